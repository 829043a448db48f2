//! Loads, stores and sums of 64-byte vectors. The loads and stores take arrays of fixed size, which
//! makes them safe to call.

use std::arch::x86_64::*;

use crate::operands::Lanes16;

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

/// Sums of four vectors of sixteen i32.
#[target_feature(enable = "avx512f")]
#[inline]
pub fn sum_i32_four([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    // Each quarter now holds the four sums over its own lanes.
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

#[target_feature(enable = "avx512f")]
#[inline]
pub fn load_floats(x: &[f32; 16]) -> __m512 {
    // SAFETY: the array is 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_ps(x.as_ptr()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub fn store_floats(out: &mut [f32; 16], x: __m512) {
    // SAFETY: the array is 64 writable bytes; the store needs no alignment.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), x) }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub fn load(x: &Lanes16) -> __m512 {
    load_floats(&x.0)
}

#[target_feature(enable = "avx512f")]
#[inline]
pub fn store(out: &mut Lanes16, x: __m512) {
    store_floats(&mut out.0, x);
}

/// The contract's reduction tree over sixteen lanes, for eight vectors at once and with the same
/// additions: halves of two vectors, quarters of four and pairs of eight are added side by side.
#[target_feature(enable = "avx512f")]
#[inline]
pub fn tree16_eight(x: [__m512; 8]) -> __m256 {
    let by_eight = |a, b| {
        let low = _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b);
        _mm512_add_ps(low, _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b))
    };
    let by_four = |ab, cd| {
        let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd);
        _mm512_add_ps(even, _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd))
    };
    let abcd = by_four(by_eight(x[0], x[1]), by_eight(x[2], x[3]));
    let efgh = by_four(by_eight(x[4], x[5]), by_eight(x[6], x[7]));
    // The first quarter holds four lanes of a and of e, the next those of b and f, and so on. Lanes
    // i and i + 2 are added.
    let (a, b) = (_mm512_castps_pd(abcd), _mm512_castps_pd(efgh));
    let pairs = _mm512_add_ps(
        _mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
        _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)),
    );
    let swapped = _mm512_permute_ps::<0b10_11_00_01>(pairs);
    let order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
    _mm512_castps512_ps256(_mm512_permutexvar_ps(order, _mm512_add_ps(pairs, swapped)))
}
