//! Prompt ids from a seed, so that a prompt can be derived again instead of believed.

/// Prompt ids `0..n` of `seed`: splitmix64, modulo the vocabulary. See `NUMERICS.md`.
pub fn seeded_prompt(seed: u64, n: usize, n_vocab: u64) -> Vec<u32> {
    (1..=n as u64)
        .map(|i| {
            let z = seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ z >> 31) % n_vocab) as u32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs of splitmix64 for seed 1234567, as published with the generator.
    #[test]
    fn splitmix64_known_vector() {
        let want: [u64; 3] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        let n_vocab = 1_000_003;
        let ids = seeded_prompt(1_234_567, 3, n_vocab);
        assert_eq!(ids, want.map(|z| (z % n_vocab) as u32));
    }

    #[test]
    fn a_longer_prompt_starts_with_the_shorter() {
        let (short, long) = (seeded_prompt(42, 5, 512), seeded_prompt(42, 16, 512));
        assert_eq!(short, long[..5]);
        assert!(long.iter().all(|&id| id < 512));
    }
}
