//! Loads, stores, the reduction tree and the exponential on eight lanes.
//!
//! The loads and stores take arrays of fixed size, which makes them safe to call.

use std::arch::x86_64::*;

use crate::kernels::scalar::float::exp_constants::*;

#[target_feature(enable = "avx2")]
#[inline]
pub fn load(x: &[f32; 8]) -> __m256 {
    // SAFETY: the array is 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_ps(x.as_ptr()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn load_four(x: &[f32; 4]) -> __m128 {
    // SAFETY: the array is 16 readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_ps(x.as_ptr()) }
}

/// Loads each of four numbers into two adjacent lanes.
#[target_feature(enable = "avx2")]
#[inline]
pub fn load_twice(x: &[f32; 4]) -> __m256 {
    let places = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    _mm256_permutevar8x32_ps(_mm256_castps128_ps256(load_four(x)), places)
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn store(out: &mut [f32; 8], x: __m256) {
    // SAFETY: the array is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), x) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn load_bytes(x: &[u8; 32]) -> __m256i {
    // SAFETY: the array is 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn load_i8(x: &[i8; 32]) -> __m256i {
    // SAFETY: the array is 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn load_half(x: &[u8; 16]) -> __m128i {
    // SAFETY: the array is 16 readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(x.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn store_half(out: &mut [u8; 16], x: __m128i) {
    // SAFETY: the array is 16 writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), x) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn store_four(out: &mut [f32; 4], x: __m128) {
    // SAFETY: the array is 16 writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), x) }
}

/// Widens the lowest eight i8 to f32.
#[target_feature(enable = "avx2")]
#[inline]
pub fn widen_i8(x: __m128i) -> __m256 {
    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x))
}

/// Prefetches the line `ahead` bytes after `x` into L2. Assembly keeps the instruction in its
/// place: the compiler would move the prefetches of a loop together, which cost a tenth of the
/// bandwidth. Any address may be prefetched.
#[target_feature(enable = "avx2")]
#[inline]
pub fn prefetch<const N: usize>(x: &[u8; N], ahead: usize) {
    let address = x.as_ptr().wrapping_add(ahead);
    // SAFETY: a prefetch changes nothing that the program sees, whatever the address.
    unsafe {
        std::arch::asm!(
            "prefetcht1 [{}]",
            in(reg) address,
            options(nostack, preserves_flags, readonly)
        );
    }
}

/// Prefetches `len` bytes, from `ahead` bytes after the start of `x`, into L2.
#[target_feature(enable = "avx2")]
#[inline]
pub fn prefetch_after(x: &[u8], len: usize, ahead: usize) {
    for line in (0..len).step_by(64) {
        let address = x.as_ptr().wrapping_add(ahead + line);
        _mm_prefetch::<_MM_HINT_T1>(address.cast());
    }
}

/// The contract's reduction tree over 16 lanes: `low` holds lanes 0 to 7, `high` lanes 8 to 15.
#[target_feature(enable = "avx2")]
#[inline]
pub fn tree16(low: __m256, high: __m256) -> f32 {
    let eight = _mm256_add_ps(low, high);
    let four = _mm_add_ps(
        _mm256_castps256_ps128(eight),
        _mm256_extractf128_ps(eight, 1),
    );
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// [`tree16`] of four vectors at once, with the same additions.
#[target_feature(enable = "avx2")]
#[inline]
pub fn tree16_four(lanes: [[__m256; 2]; 4]) -> __m128 {
    let four = lanes.map(|[low, high]| {
        let eight = _mm256_add_ps(low, high);
        _mm_add_ps(
            _mm256_castps256_ps128(eight),
            _mm256_extractf128_ps(eight, 1),
        )
    });
    // Transposed, so that vector j holds lane j of each of the four.
    let ab_low = _mm_unpacklo_ps(four[0], four[1]);
    let ab_high = _mm_unpackhi_ps(four[0], four[1]);
    let cd_low = _mm_unpacklo_ps(four[2], four[3]);
    let cd_high = _mm_unpackhi_ps(four[2], four[3]);
    let lane0 = _mm_movelh_ps(ab_low, cd_low);
    let lane1 = _mm_movehl_ps(cd_low, ab_low);
    let lane2 = _mm_movelh_ps(ab_high, cd_high);
    let lane3 = _mm_movehl_ps(cd_high, ab_high);
    _mm_add_ps(_mm_add_ps(lane0, lane2), _mm_add_ps(lane1, lane3))
}

/// The contract's sum over 16 lanes of `term` of each element; `term` must map 0 to 0.
#[target_feature(enable = "avx2")]
#[inline]
pub fn sum16_of(x: &[f32], term: impl Fn(__m256) -> __m256) -> f32 {
    let mut low = _mm256_setzero_ps();
    let mut high = _mm256_setzero_ps();
    let mut add = |chunk: &[f32; 16]| {
        let (halves, _) = chunk.as_chunks::<8>();
        low = _mm256_add_ps(low, term(load(&halves[0])));
        high = _mm256_add_ps(high, term(load(&halves[1])));
    };
    let (chunks, tail) = x.as_chunks::<16>();
    for chunk in chunks {
        add(chunk);
    }
    if !tail.is_empty() {
        // Zeros after the end do not change any lane.
        let mut padded = [0.0; 16];
        padded[..tail.len()].copy_from_slice(tail);
        add(&padded);
    }
    tree16(low, high)
}

/// Sum of eight i32.
#[target_feature(enable = "avx2")]
#[inline]
pub fn sum_i32(x: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0b00_00_11_10));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0b01)))
}

/// Sums of four vectors of eight i32.
#[target_feature(enable = "avx2")]
#[inline]
pub fn sum_i32_four(x: [__m256i; 4]) -> __m128i {
    let ab = _mm256_hadd_epi32(x[0], x[1]);
    let cd = _mm256_hadd_epi32(x[2], x[3]);
    let abcd = _mm256_hadd_epi32(ab, cd);
    _mm_add_epi32(
        _mm256_castsi256_si128(abcd),
        _mm256_extracti128_si256(abcd, 1),
    )
}

/// The bits of |x|, which as integers compare like the magnitudes.
#[target_feature(enable = "avx2")]
#[inline]
pub fn magnitude_bits(x: __m256) -> __m256i {
    _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fff_ffff))
}

/// Largest of eight non-negative i32.
#[target_feature(enable = "avx2")]
#[inline]
pub fn max_i32(x: __m256i) -> i32 {
    let four = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    let two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0b00_00_11_10));
    _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0b01)))
}

/// Largest of eight numbers. For zeros of both signs the result may be either.
#[target_feature(enable = "avx2")]
#[inline]
pub fn max_f32(x: __m256) -> f32 {
    let four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
}

/// e^x by the contract's polynomial.
#[target_feature(enable = "avx2")]
#[inline]
pub fn exp(x: __m256) -> __m256 {
    let splat = |c: f32| _mm256_set1_ps(c);
    // The limits are the first operands: for NaN the instructions return the second operand, and a
    // NaN must stay one.
    let x = _mm256_min_ps(splat(RANGE.1), _mm256_max_ps(splat(RANGE.0), x));
    let magic = splat(MAGIC);
    let t = _mm256_add_ps(_mm256_mul_ps(x, splat(LOG2_E)), magic);
    let n = _mm256_sub_ps(t, magic);
    let r = _mm256_sub_ps(x, _mm256_mul_ps(n, splat(LN2_HI)));
    let r = _mm256_sub_ps(r, _mm256_mul_ps(n, splat(LN2_LO)));
    let mut p = splat(POLYNOMIAL[0]);
    for c in &POLYNOMIAL[1..] {
        p = _mm256_add_ps(_mm256_mul_ps(p, r), splat(*c));
    }
    let e_r = _mm256_add_ps(_mm256_mul_ps(p, _mm256_mul_ps(r, r)), r);
    let e_r = _mm256_add_ps(e_r, splat(1.0));
    let exponent = _mm256_sub_epi32(_mm256_castps_si256(t), _mm256_castps_si256(magic));
    let exponent = _mm256_add_epi32(exponent, _mm256_set1_epi32(127));
    _mm256_mul_ps(e_r, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)))
}
