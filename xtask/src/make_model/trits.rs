//! Five ternary weights to a byte.

/// Appends `n_bytes` bytes of trits. Byte m has the codes m, m + n_bytes and so on, `n` of them, the
/// first one in the most significant place; after fewer than five, the last trits are 0.
pub(super) fn put_trits(codes: &[u8], n_bytes: usize, n: usize, out: &mut Vec<u8>) {
    out.extend((0..n_bytes).map(|m| {
        let trit = |i: usize| match i < n {
            true => u32::from(codes[m + n_bytes * i]),
            false => 0,
        };
        let value = (0..5).fold(0, |value, i| 3 * value + trit(i));
        // Scaled from 243 to 256 and rounded up, so that multiplying by 3 extracts the trits.
        (value * 256).div_ceil(243) as u8
    }));
}
