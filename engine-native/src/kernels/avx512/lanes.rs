//! Loads and sums on 64 bytes. Arrays of fixed size make the loads safe to call: the type holds the
//! length.

use std::arch::x86_64::*;

#[target_feature(enable = "avx512f")]
#[inline]
pub fn load_64(x: &[u8; 64]) -> __m512i {
    // SAFETY: the array is 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub fn load_i8(x: &[i8; 64]) -> __m512i {
    // SAFETY: the array is 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
}

/// Asks the L2 cache for the line `ahead` bytes after `x`. Any address may be asked for.
#[target_feature(enable = "avx512f")]
#[inline]
pub fn prefetch<const N: usize>(x: &[u8; N], ahead: usize) {
    _mm_prefetch(x.as_ptr().wrapping_add(ahead).cast(), _MM_HINT_T1);
}

/// Sums of four vectors of sixteen i32.
#[target_feature(enable = "avx512f")]
#[inline]
pub fn sum_i32_four([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    // Each quarter now has the four sums of its own part.
    let abcd = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let halves = _mm256_add_epi32(
        _mm512_castsi512_si256(abcd),
        _mm512_extracti64x4_epi64::<1>(abcd),
    );
    _mm_add_epi32(
        _mm256_castsi256_si128(halves),
        _mm256_extracti128_si256::<1>(halves),
    )
}
