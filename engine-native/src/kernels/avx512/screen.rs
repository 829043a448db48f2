//! Products with low-bit rows.

use std::arch::x86_64::*;

use super::lanes::{load_64, load_i8, sum_i32_four};
use crate::{
    kernels::{
        avx2::{prefetch, store_approximations},
        pairs::in_pairs,
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{RefineRows, SCREEN_ROWS, ScreenActivations, ScreenRows, ScreenStep},
};

/// Prefetch distance of rows to refine, which are scattered, in rows.
const REFINED_AHEAD: usize = 4;
/// Prefetch distance of the codes, into L2, in bytes: the fastest that was measured.
const PREFETCH_AHEAD: usize = 3 << 10;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
pub fn output_screen(
    rows: ScreenRows,
    x: &ScreenActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    rows.assert_fits(x, out.len());
    groups(rows, x, out);
    let macs = out.len() * rows.n_cols;
    recorder.record(KernelName::OutputScreen, Isa::Avx512Vnni, macs);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
fn groups(rows: ScreenRows, x: &ScreenActivations, out: &mut [f32]) {
    let parts = [x.high.as_chunks::<512>().0, x.low.as_chunks::<512>().0];
    for pair in in_pairs(out.len().div_ceil(SCREEN_ROWS)) {
        let sums = dot_groups(pair.map(|i| rows.group(i)), parts);
        for (i, sums) in pair.into_iter().zip(sums) {
            let of_group = SCREEN_ROWS * i..out.len().min(SCREEN_ROWS * (i + 1));
            let scales = &rows.scales[of_group.clone()];
            store_approximations(sums, x, scales, &mut out[of_group]);
        }
    }
}

/// Σ 2·code·part of the rows of two groups, for both parts.
///
/// Limit: a sum of 8·code·part over the longest row is at most 65,536·248·128 = 2,080,374,784, less
/// than 2³¹.
///
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
fn dot_groups([a, b]: [&[ScreenStep]; 2], [high, low]: [&[[i8; 512]]; 2]) -> [[__m128i; 2]; 2] {
    let mut acc = [[[_mm512_setzero_si512(); 2]; SCREEN_ROWS]; 2];
    for (((a, b), high), low) in a.iter().zip(b).zip(high).zip(low) {
        add_step(&mut acc[0], a, [high, low]);
        add_step(&mut acc[1], b, [high, low]);
    }
    // From 8·code to 2·code: an exact division.
    acc.map(|[a, b, c, d]| {
        [0, 1].map(|part| {
            let sums = sum_i32_four([a[part], b[part], c[part], d[part]]);
            _mm_srai_epi32::<2>(sums)
        })
    })
}

/// Adds the products of 512 codes of each row.
///
/// Not inlined: the compiler would load the activations of all rows first, for which there are too
/// few registers, and that costs a tenth of the bandwidth (measured).
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline(never)]
fn add_step(acc: &mut [[__m512i; 2]; SCREEN_ROWS], step: &ScreenStep, parts: [&[i8; 512]; 2]) {
    for (row, sums) in step.iter().zip(acc) {
        let [lowest, pairs @ ..] = row;
        prefetch(lowest, PREFETCH_AHEAD);
        let lowest = load_64(lowest);
        add_pair::<0>(sums, &pairs[0], lowest, parts);
        add_pair::<1>(sums, &pairs[1], lowest, parts);
        add_pair::<2>(sums, &pairs[2], lowest, parts);
        add_pair::<3>(sums, &pairs[3], lowest, parts);
    }
}

/// Adds the products of 128 codes to the sums of both parts.
///
/// `P` is a const parameter because the shifts must be immediate operands.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn add_pair<const P: usize>(
    sums: &mut [__m512i; 2],
    uppers: &[u8; 64],
    lowest: __m512i,
    parts: [&[i8; 512]; 2],
) {
    prefetch(uppers, PREFETCH_AHEAD);
    let upper = load_64(uppers);
    let pair = [upper, _mm512_slli_epi16::<4>(upper)];
    for (i, upper) in pair.into_iter().enumerate() {
        let g = 2 * P + i;
        let codes = join(upper, to_bit_3(lowest, g));
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum = _mm512_dpbusd_epi32(*sum, codes, load_i8(&part.as_chunks::<64>().0[g]));
        }
    }
}

/// Moves bit `g` of each byte to bit 3, below the upper bits of a code in bits 7:4. Bits from
/// neighbouring bytes are masked later.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn to_bit_3(bits: __m512i, g: usize) -> __m512i {
    match g {
        0 => _mm512_slli_epi16::<3>(bits),
        1 => _mm512_slli_epi16::<2>(bits),
        2 => _mm512_slli_epi16::<1>(bits),
        3 => bits,
        4 => _mm512_srli_epi16::<1>(bits),
        5 => _mm512_srli_epi16::<2>(bits),
        6 => _mm512_srli_epi16::<3>(bits),
        _ => _mm512_srli_epi16::<4>(bits),
    }
}

/// Bits 7:4 of each byte of `upper` and bit 3 of `lowest`; the other bits are zero.
#[target_feature(enable = "avx512f")]
#[inline]
fn join(upper: __m512i, lowest: __m512i) -> __m512i {
    let bit = _mm512_and_si512(lowest, _mm512_set1_epi8(0x08));
    let nibble = _mm512_set1_epi8(0xf0u8.cast_signed());
    // (upper and nibble) or bit
    _mm512_ternarylogic_epi32::<0b1111_1000>(bit, upper, nibble)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
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
    recorder.record(KernelName::OutputRefine, Isa::Avx512Vnni, macs);
}

/// Σ 2·code·part of a row, for both parts. The fields are used in place, as 64, 16, 4 and 1 times
/// the code.
///
/// Limit: a sum of 64 times the code over the longest row is at most 16,384·192·128 = 402,653,184.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn refine_row(row: &[[u8; 64]], x: &ScreenActivations) -> [i32; 2] {
    let fields = [0b1100_0000u8, 0b0011_0000, 0b0000_1100, 0b0000_0011];
    let fields = fields.map(|mask| _mm512_set1_epi8(mask.cast_signed()));
    let parts = [x.high.as_chunks::<64>().0, x.low.as_chunks::<64>().0];
    let mut acc = [[_mm512_setzero_si512(); 4]; 2];
    for (i, block) in row.iter().enumerate() {
        let bytes = load_64(block);
        for f in 0..4 {
            let codes = _mm512_and_si512(bytes, fields[f]);
            for (acc, part) in acc.iter_mut().zip(parts) {
                acc[f] = _mm512_dpbusd_epi32(acc[f], codes, load_i8(&part[4 * i + f]));
            }
        }
    }
    // Exact divisions, except for the last, which is doubled.
    acc.map(|[by64, by16, by4, by1]| {
        let high = _mm512_add_epi32(_mm512_srai_epi32::<5>(by64), _mm512_srai_epi32::<3>(by16));
        let low = _mm512_add_epi32(_mm512_srai_epi32::<1>(by4), _mm512_slli_epi32::<1>(by1));
        _mm512_reduce_add_epi32(_mm512_add_epi32(high, low))
    })
}
