//! Products with low-bit rows.

use std::arch::x86_64::*;

use super::lanes::{
    load, load_bytes, load_four, load_i8, prefetch, store_four, sum_i32, sum_i32_four,
};
use crate::{
    kernels::scalar,
    ledger::{Isa, KernelName, Recorder},
    operands::{
        Bound, Bounded, RefineRows, SCREEN_OFFSET, SCREEN_ROWS, ScreenActivations, ScreenRows,
        ScreenStep,
    },
};

/// Prefetch distance of rows to refine, which are scattered, in rows.
const REFINED_AHEAD: usize = 4;
/// Prefetch distance of the codes, into L2, in bytes.
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

/// Not inlined, like the other loops over weights.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn groups(rows: ScreenRows, x: &ScreenActivations, out: &mut [f32]) {
    let parts = [x.high.as_chunks::<512>().0, x.low.as_chunks::<512>().0];
    let outs = rows
        .scales
        .chunks(SCREEN_ROWS)
        .zip(out.chunks_mut(SCREEN_ROWS));
    for (i, (scales, out)) in outs.enumerate() {
        let group = rows.group(i);
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
pub fn output_refine(
    refine: RefineRows,
    rows: &[u32],
    x: &ScreenActivations,
    approximations: &mut [f32],
    recorder: &mut Recorder,
) {
    refine.assert_fits(x, rows, approximations);
    for (i, (&r, approximation)) in rows.iter().zip(&mut *approximations).enumerate() {
        if let Some(&next) = rows.get(i + REFINED_AHEAD) {
            refine.row(next).iter().for_each(|line| prefetch(line, 0));
        }
        let sums = refine_row(refine.row(r), x);
        *approximation += refine.correction(r, x, sums);
    }
    let macs = rows.len() * refine.n_cols;
    recorder.record(KernelName::OutputRefine, Isa::Avx2, macs);
}

/// Σ 2·code·part of a row, for both parts.
///
/// Limit: `maddubs` adds two products of at most 3·128, so a block's eight results fit in an i16.
#[target_feature(enable = "avx2")]
#[inline]
fn refine_row(row: &[[u8; 64]], x: &ScreenActivations) -> [i32; 2] {
    let (two, ones) = (_mm256_set1_epi8(3), _mm256_set1_epi16(1));
    let parts = [x.high.as_chunks::<32>().0, x.low.as_chunks::<32>().0];
    let mut acc = [_mm256_setzero_si256(); 2];
    for (i, block) in row.iter().enumerate() {
        let mut sums = [_mm256_setzero_si256(); 2];
        for (half, bytes) in block.as_chunks::<32>().0.iter().enumerate() {
            let bytes = load_bytes(bytes);
            let fields = [
                _mm256_srli_epi16(bytes, 6),
                _mm256_srli_epi16(bytes, 4),
                _mm256_srli_epi16(bytes, 2),
                bytes,
            ];
            for (f, field) in fields.into_iter().enumerate() {
                let codes = _mm256_and_si256(field, two);
                for (sums, part) in sums.iter_mut().zip(parts) {
                    let q = load_i8(&part[8 * i + 2 * f + half]);
                    *sums = _mm256_add_epi16(*sums, _mm256_maddubs_epi16(codes, q));
                }
            }
        }
        for (acc, sums) in acc.iter_mut().zip(sums) {
            *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(sums, ones));
        }
    }
    acc.map(|acc| 2 * sum_i32(acc))
}

#[target_feature(enable = "avx2")]
pub fn largest(approximations: &[f32]) -> usize {
    scalar::largest(approximations)
}

#[target_feature(enable = "avx2")]
pub fn reaching(bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
    bounded.assert_fits(rows);
    let mut n_rows = 0;
    let mut push = |r: usize| {
        rows[n_rows] = bounded.first + r as u32;
        n_rows += 1;
    };
    let (approximations, _) = bounded.approximations.as_chunks::<8>();
    let (residuals, _) = bounded.residuals.as_chunks::<8>();
    let (norms, _) = bounded.norms.as_chunks::<8>();
    let lanes = approximations.iter().zip(residuals).zip(norms);
    let Bound {
        per_residual,
        per_norm,
        slack,
    } = bounded.bound;
    let [per_residual, per_norm, slack] =
        [per_residual, per_norm, slack].map(|x| _mm256_set1_ps(x));
    let least_lanes = _mm256_set1_ps(least);
    for (i, ((approximations, residuals), norms)) in lanes.enumerate() {
        let of_residuals = _mm256_mul_ps(load(residuals), per_residual);
        let of_norms = _mm256_mul_ps(load(norms), per_norm);
        let bounds = _mm256_add_ps(_mm256_add_ps(of_residuals, of_norms), slack);
        let uppers = _mm256_add_ps(load(approximations), bounds);
        let reaches = _mm256_cmp_ps::<_CMP_GE_OQ>(uppers, least_lanes);
        let mut mask = _mm256_movemask_ps(reaches);
        while mask != 0 {
            push(8 * i + mask.trailing_zeros() as usize);
            mask &= mask - 1;
        }
    }
    for r in 8 * approximations.len()..bounded.approximations.len() {
        if bounded.reaches(r, least) {
            push(r);
        }
    }
    n_rows
}

/// Σ code·part of row `r` of a group, for both parts, in eight i32 lanes each.
///
/// Limit: `maddubs` adds two products, at most 2·31·128 = 7,936, and four results are added in an
/// i16. An i32 lane gets at most 32·31·128 = 126,976 per step, in at most 128 steps.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_row(group: &[ScreenStep], r: usize, [high, low]: [&[[i8; 512]]; 2]) -> [__m256i; 2] {
    let mut acc = [_mm256_setzero_si256(); 2];
    for ((step, high), low) in group.iter().zip(high).zip(low) {
        let parts = [high.as_chunks::<32>().0, low.as_chunks::<32>().0];
        let [lowest, pairs @ ..] = &step[r];
        for line in &step[r] {
            prefetch(line, PREFETCH_AHEAD);
        }
        // One half of each group of 64 codes.
        for half in 0..2 {
            let lowest = load_bytes(&lowest.as_chunks::<32>().0[half]);
            let upper = |pair: usize| load_bytes(&pairs[pair].as_chunks::<32>().0[half]);
            let mut sums = [[_mm256_setzero_si256(); 2]; 2];
            add_pair::<0>(&mut sums, upper(0), lowest, parts, half);
            add_pair::<1>(&mut sums, upper(1), lowest, parts, half);
            add_pair::<2>(&mut sums, upper(2), lowest, parts, half);
            add_pair::<3>(&mut sums, upper(3), lowest, parts, half);
            let ones = _mm256_set1_epi16(1);
            for (acc, sums) in acc.iter_mut().zip(sums) {
                let [even, odd] = sums.map(|sums| _mm256_madd_epi16(sums, ones));
                *acc = _mm256_add_epi32(*acc, _mm256_add_epi32(even, odd));
            }
        }
    }
    acc
}

/// Adds the products of one half of two groups of codes, with both parts.
#[target_feature(enable = "avx2")]
#[inline]
fn add_pair<const P: usize>(
    sums: &mut [[__m256i; 2]; 2],
    upper: __m256i,
    lowest: __m256i,
    parts: [&[[i8; 32]]; 2],
    half: usize,
) {
    for (i, codes) in codes_of_pair::<P>(upper, lowest).into_iter().enumerate() {
        let at = 2 * (2 * P + i) + half;
        for (sums, part) in sums.iter_mut().zip(parts) {
            let product = _mm256_maddubs_epi16(codes, load_i8(&part[at]));
            sums[i] = _mm256_add_epi16(sums[i], product);
        }
    }
}

/// The codes of the groups `2·P` and `2·P + 1`.
#[target_feature(enable = "avx2")]
#[inline]
fn codes_of_pair<const P: usize>(upper: __m256i, lowest: __m256i) -> [__m256i; 2] {
    let nibble = _mm256_set1_epi8(0x1e);
    let even = _mm256_and_si256(_mm256_srli_epi16(upper, 3), nibble);
    let odd = _mm256_and_si256(_mm256_slli_epi16(upper, 1), nibble);
    [
        _mm256_or_si256(even, bit(lowest, 2 * P)),
        _mm256_or_si256(odd, bit(lowest, 2 * P + 1)),
    ]
}

/// Bit `g` of each byte.
#[target_feature(enable = "avx2")]
#[inline]
fn bit(bits: __m256i, g: usize) -> __m256i {
    let shifted = match g {
        0 => bits,
        1 => _mm256_srli_epi16(bits, 1),
        2 => _mm256_srli_epi16(bits, 2),
        3 => _mm256_srli_epi16(bits, 3),
        4 => _mm256_srli_epi16(bits, 4),
        5 => _mm256_srli_epi16(bits, 5),
        6 => _mm256_srli_epi16(bits, 6),
        _ => _mm256_srli_epi16(bits, 7),
    };
    _mm256_and_si256(shifted, _mm256_set1_epi8(1))
}

/// Stores the approximations of up to four rows, from Σ 2·code·part.
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
