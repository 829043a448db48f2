//! Products with low-bit rows.

use std::arch::x86_64::*;

use super::lanes::{load_bytes, load_four, load_i8, prefetch, store_four, sum_i32_four};
use crate::{
    kernels::{
        Bounded, Isa, KernelName, SCREEN_OFFSET, SCREEN_ROWS, ScreenActivations, ScreenRows,
        ScreenStep,
    },
    ledger::Recorder,
};

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
    groups(rows, x, out);
    recorder.record(KernelName::OutputScreen, Isa::Avx2, out.len() * rows.n_cols);
}

/// Alone in its function, as the other loops over weights are.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn groups(rows: ScreenRows, x: &ScreenActivations, out: &mut [f32]) {
    let parts = [x.high.as_chunks::<512>().0, x.low.as_chunks::<512>().0];
    let groups = rows.groups().zip(rows.scales.chunks(SCREEN_ROWS));
    for ((group, scales), out) in groups.zip(out.chunks_mut(SCREEN_ROWS)) {
        let mut sums = [[_mm256_setzero_si256(); 4]; 2];
        let [high, low] = &mut sums;
        for (r, sums) in high.iter_mut().zip(low).enumerate() {
            [*sums.0, *sums.1] = dot_row(group, r, parts);
        }
        let doubled = sums.map(|sums| _mm_slli_epi32(sum_i32_four(sums), 1));
        store_approximations(doubled, x, scales, out);
    }
}

#[target_feature(enable = "avx2")]
pub fn largest(bounded: Bounded) -> usize {
    bounded.index_of_largest()
}

#[target_feature(enable = "avx2")]
pub fn reaching(bounded: Bounded, least: f32, rows: &mut Vec<u32>) -> bool {
    bounded.reaching(least, rows)
}

/// Σ code·part of a row for both parts, spread over eight i32 lanes each.
///
/// Limit: a product of two pairs is at most 2·31·128 = 7,936, so an i16 holds the four that are added
/// in it; a lane of i32 gets at most 32·31·128 = 126,976 per step, of 128 steps at most.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_row(group: &[ScreenStep], r: usize, [high, low]: [&[[i8; 512]]; 2]) -> [__m256i; 2] {
    let ones = _mm256_set1_epi16(1);
    let mut acc = [_mm256_setzero_si256(); 2];
    for ((step, high), low) in group.iter().zip(high).zip(low) {
        let (high, low) = (high.as_chunks::<32>().0, low.as_chunks::<32>().0);
        // The other rows find their lines in the cache.
        if r == 0 {
            for line in step.iter().flatten() {
                prefetch(line, PREFETCH_AHEAD);
            }
        }
        let [lowest, uppers @ ..] = step;
        // The lanes of a half of every group of 64.
        for half in 0..2 {
            let lowest = load_bytes(&lowest[r].as_chunks::<32>().0[half]);
            let mut sums = [[_mm256_setzero_si256(); 2]; 2];
            for (pair, lines) in uppers.iter().enumerate() {
                let upper = load_bytes(&lines[r].as_chunks::<32>().0[half]);
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
fn codes_of_pair(upper: __m256i, lowest: __m256i, pair: usize) -> [__m256i; 2] {
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
