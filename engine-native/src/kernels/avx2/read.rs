//! The plain read that bounds every product: one prefetched stream.

use std::arch::x86_64::*;

use super::lanes::load_bytes;
use crate::kernels::scalar::read_rest;

/// Prefetch distance, into L1, in bytes: the fastest of 1 to 32 KiB into either cache. The
/// products, which also compute, are faster with larger distances and L2.
const AHEAD: usize = 1024;

/// See [`Kernels::read`](crate::kernels::Kernels::read).
#[target_feature(enable = "avx2")]
pub fn read(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<128>();
    let mut acc = [_mm256_setzero_si256(); 4];
    for block in blocks {
        for line in [0, 64] {
            _mm_prefetch(
                block.as_ptr().wrapping_add(AHEAD + line).cast(),
                _MM_HINT_T0,
            );
        }
        for (acc, bytes) in acc.iter_mut().zip(block.as_chunks::<32>().0) {
            *acc = _mm256_xor_si256(*acc, load_bytes(bytes));
        }
    }
    let [a, b, c, d] = acc;
    let four = _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d));
    let words = [
        _mm256_extract_epi64::<0>(four),
        _mm256_extract_epi64::<1>(four),
        _mm256_extract_epi64::<2>(four),
        _mm256_extract_epi64::<3>(four),
    ];
    let all = words.iter().fold(0, |all, word| all ^ word);
    read_rest(rest) ^ all.cast_unsigned()
}
