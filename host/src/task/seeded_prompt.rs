//! Prompts that are derived from a seed, so that a verifier can derive them again.

use sha2::{Digest as _, Sha256};

use super::{challenge::Challenge, splitmix64::SplitMix64};
use crate::digest::Digest;

const WARM_UP_TAG: &[u8; 22] = b"bitreceipt/warm-up/v1\0";

/// The first `n` prompt ids for `seed` and a challenge: outputs of splitmix64 modulo the size of
/// the vocabulary. `NUMERICS.md` defines them.
pub fn seeded_prompt(seed: u64, challenge: Option<&Challenge>, n: usize, n_vocab: u64) -> Vec<u32> {
    let seed = challenge.map_or(seed, |challenge| challenge.mixed_into(seed));
    let mut stream = SplitMix64::new(seed);
    (0..n).map(|_| (stream.next() % n_vocab) as u32).collect()
}

/// A prompt for warm-up runs, as long as `prompt` and derived from it. With it, a warm-up leaves
/// nothing in an engine that could make the first timed run of `prompt` faster.
pub fn warm_up_prompt(prompt: &[u32], n_vocab: u64) -> Vec<u32> {
    let mut hash = Sha256::new_with_prefix(WARM_UP_TAG);
    prompt.iter().for_each(|id| hash.update(id.to_le_bytes()));
    let seed = Digest(hash.finalize().into()).seed();
    seeded_prompt(seed, None, prompt.len(), n_vocab)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published outputs of splitmix64 for seed 1234567, modulo the vocabulary.
    #[test]
    fn ids_are_splitmix64_modulo_the_vocabulary() {
        let want: [u64; 3] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        let n_vocab = 1_000_003;
        let ids = seeded_prompt(1_234_567, None, 3, n_vocab);
        assert_eq!(ids, want.map(|z| (z % n_vocab) as u32));
    }

    #[test]
    fn a_longer_prompt_starts_with_the_shorter() {
        let prompt = |n| seeded_prompt(42, None, n, 512);
        let (short, long) = (prompt(5), prompt(16));
        assert_eq!(short, long[..5]);
        assert!(long.iter().all(|&id| id < 512));
    }

    #[test]
    fn a_warm_up_has_another_prompt_of_the_same_length() {
        let prompt = seeded_prompt(42, None, 16, 512);
        let other = warm_up_prompt(&prompt, 512);
        assert_eq!(other.len(), 16);
        assert!(other.iter().all(|&id| id < 512));
        // No id is at its old position, so no prefix can be reused.
        assert!(prompt.iter().zip(&other).all(|(a, b)| a != b), "{other:?}");
        assert_ne!(warm_up_prompt(&other, 512), prompt);
    }

    #[test]
    fn a_challenge_replaces_the_seed_by_what_it_is_mixed_into() {
        let challenge: Challenge = "c0ffee".parse().unwrap();
        let mixed = seeded_prompt(challenge.mixed_into(42), None, 16, 512);
        assert_eq!(seeded_prompt(42, Some(&challenge), 16, 512), mixed);
        assert_ne!(seeded_prompt(42, None, 16, 512), mixed);
    }
}
