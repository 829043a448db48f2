//! Products with low-bit rows.

use std::arch::x86_64::*;

use super::lanes::{load_bytes, load_four, load_i8, prefetch, store_four, sum_i32_four};
use crate::{
    kernels::{
        Isa, KernelName, ScreenActivations, ScreenRows,
        screen_rows::{SCREEN_OFFSET, SCREEN_STEP_BYTES},
    },
    ledger::Recorder,
};

/// 512 codes.
pub type Step = [u8; SCREEN_STEP_BYTES];

/// How far ahead of the codes the product asks for them, in bytes, into the L2 cache.
const PREFETCH_AHEAD: usize = 16 << 10;

#[target_feature(enable = "avx2")]
pub fn output_screen(
    rows: ScreenRows,
    x: &ScreenActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    rows.assert_fits(x, out.len());
    four_by_four(rows, x, out);
    recorder.record(KernelName::OutputScreen, Isa::Avx2, out.len() * rows.n_cols);
}

/// Alone in its function, as the other loops over weights are.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn four_by_four(rows: ScreenRows, x: &ScreenActivations, out: &mut [f32]) {
    let parts = [x.high.as_chunks::<512>().0, x.low.as_chunks::<512>().0];
    let (steps, _) = rows.packed.as_chunks::<SCREEN_STEP_BYTES>();
    let n_steps = parts[0].len();
    let four = steps.chunks(4 * n_steps).zip(rows.scales.chunks(4));
    for ((steps, scales), out) in four.zip(out.chunks_mut(4)) {
        let mut sums = [[_mm256_setzero_si256(); 4]; 2];
        for (r, row) in steps.chunks_exact(n_steps).enumerate() {
            [sums[0][r], sums[1][r]] = dot_row(row, parts);
        }
        let [high, low] = sums.map(|sums| doubled(sum_i32_four(sums)));
        store_approximations([high, low], x, scales, out);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn doubled(sums: __m128i) -> __m128i {
    _mm_add_epi32(sums, sums)
}

/// Σ code·part of a row for both parts, spread over eight i32 lanes each.
///
/// Limit: a product of two pairs is at most 2·31·128 = 7,936, so an i16 holds the four that are added
/// in it; a lane of i32 gets at most 32·31·128 = 126,976 per step, of 128 steps at most.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_row(row: &[Step], [high, low]: [&[[i8; 512]]; 2]) -> [__m256i; 2] {
    let ones = _mm256_set1_epi16(1);
    let mut acc = [_mm256_setzero_si256(); 2];
    for ((step, high), low) in row.iter().zip(high).zip(low) {
        let (step, _) = step.as_chunks::<32>();
        let high = high.as_chunks::<32>().0;
        let low = low.as_chunks::<32>().0;
        for line in 0..5 {
            prefetch(&step[2 * line], PREFETCH_AHEAD);
        }
        // The lanes of a half of every group of 64.
        for half in 0..2 {
            let lowest = load_bytes(&step[8 + half]);
            let mut sums = [[_mm256_setzero_si256(); 2]; 2];
            for pair in 0..4 {
                let upper = load_bytes(&step[2 * pair + half]);
                let codes = codes_of_pair(upper, lowest, pair);
                for (g, codes) in codes.into_iter().enumerate() {
                    let at = 2 * (2 * pair + g) + half;
                    for (sums, part) in sums.iter_mut().zip([high, low]) {
                        let product = _mm256_maddubs_epi16(codes, load_i8(&part[at]));
                        sums[g] = _mm256_add_epi16(sums[g], product);
                    }
                }
            }
            for (acc, [even, odd]) in acc.iter_mut().zip(sums) {
                let even = _mm256_madd_epi16(even, ones);
                let odd = _mm256_madd_epi16(odd, ones);
                *acc = _mm256_add_epi32(*acc, _mm256_add_epi32(even, odd));
            }
        }
    }
    acc
}

/// The codes of groups `2·pair` and `2·pair + 1`.
#[target_feature(enable = "avx2")]
#[inline]
pub fn codes_of_pair(upper: __m256i, lowest: __m256i, pair: usize) -> [__m256i; 2] {
    let (nibble, one) = (_mm256_set1_epi8(0x1e), _mm256_set1_epi8(1));
    let bit = |g: usize| {
        let count = _mm_cvtsi32_si128(g as i32);
        _mm256_and_si256(_mm256_srl_epi16(lowest, count), one)
    };
    let even = _mm256_and_si256(_mm256_srli_epi16(upper, 3), nibble);
    let odd = _mm256_and_si256(_mm256_slli_epi16(upper, 1), nibble);
    [
        _mm256_or_si256(even, bit(2 * pair)),
        _mm256_or_si256(odd, bit(2 * pair + 1)),
    ]
}

/// The scalar kernels' `approximation` of up to four rows, from Σ 2·code·part.
#[target_feature(enable = "avx2")]
#[inline]
pub fn store_approximations(
    [high, low]: [__m128i; 2],
    x: &ScreenActivations,
    scales: &[f32],
    out: &mut [f32],
) {
    let part = |sums, of_part: i32| {
        let offset = _mm_set1_epi32(SCREEN_OFFSET * of_part);
        _mm_cvtepi32_ps(_mm_sub_epi32(sums, offset))
    };
    let high = _mm_mul_ps(part(high, x.sums[0]), _mm_set1_ps(256.0));
    let sum = _mm_add_ps(high, part(low, x.sums[1]));
    let products = |scales: &[f32; 4]| {
        let scales = _mm_mul_ps(load_four(scales), _mm_set1_ps(x.scale));
        _mm_mul_ps(sum, scales)
    };
    match (scales.as_chunks::<4>().0, out.as_chunks_mut::<4>()) {
        ([scales], ([out], _)) => store_four(out, products(scales)),
        (_, (_, rest)) => {
            let mut four = [0.0; 4];
            four[..scales.len()].copy_from_slice(scales);
            let products = products(&four);
            store_four(&mut four, products);
            rest.copy_from_slice(&four[..rest.len()]);
        }
    }
}
