//! Grouped ternary weights: block quantization, GEMV and embedding rows. The sixteen rows of a
//! panel are two vectors of eight.

use std::arch::x86_64::*;

use super::{
    lanes::{load_bytes, load_half, prefetch, store},
    linear::{absmax_bits, quantize_32},
};
use crate::{
    kernels::{
        finite::{NonFinite, check_finite},
        scalar,
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{
        BLOCK_COLS, GROUP_COLS, GroupedRows, PANEL_BLOCK_BYTES, PANEL_ROWS, PANEL_SCALES_BYTES,
        QuantizedActivations, four,
    },
};

/// Prefetch distance of the codes, in bytes, into L2.
pub const PREFETCH_AHEAD: usize = 4 << 10;

/// The codes of a panel in a block of columns: two lines.
pub type PanelBlock = [u8; PANEL_BLOCK_BYTES];

#[target_feature(enable = "avx2")]
pub fn quantize_blocks(
    x: &[f32],
    out: &mut QuantizedActivations,
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    out.assert_blocks(x.len());
    if absmax_bits(x) >= 0x7f80_0000 {
        return check_finite(x);
    }
    let (values, _) = out.values.as_chunks_mut::<BLOCK_COLS>();
    let (x32, _) = x.as_chunks::<BLOCK_COLS>();
    for (b, (values, x)) in values.iter_mut().zip(x32).enumerate() {
        let absmax = f32::from_bits(absmax_bits(x));
        let scale = scalar::block_scale(absmax, b)?;
        let sums = quantize_32(x, scalar::factor(absmax, scale), values);
        out.block_scales[b] = scale;
        out.block_sums[b] = super::lanes::sum_i32(sums);
    }
    recorder.record(KernelName::BlockQuantize, Isa::Avx2, x.len());
    Ok(())
}

/// GEMV over whole panels. `dot_block` computes Σ code·q of a block of columns, for rows 0 to 7 and 8
/// to 15; its last argument is the first place of the block among the fours of the activations.
#[target_feature(enable = "avx2,f16c")]
#[inline]
pub fn gemv_with(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    dot_block: impl Fn(&PanelBlock, &[i8; GROUP_COLS], usize) -> [__m256i; 2],
) {
    weights.assert_fits(activations, out.len());
    let n_groups = weights.n_cols / GROUP_COLS;
    let per_scale = weights.group_len / GROUP_COLS;
    let (blocks, _) = weights.codes.as_chunks::<PANEL_BLOCK_BYTES>();
    let (codes, _) = blocks.as_chunks::<2>();
    let (scales, _) = weights.scales.as_chunks::<PANEL_SCALES_BYTES>();
    let panels = codes.chunks_exact(n_groups);
    let panels = panels.zip(scales.chunks_exact(n_groups / per_scale));
    let (values, _) = activations.values.as_chunks::<GROUP_COLS>();
    let (factors, _) = activations.block_scales.as_chunks::<2>();
    let (sums, _) = activations.block_sums.as_chunks::<2>();
    let x = values.iter().zip(factors).zip(sums);
    for ((codes, scales), out) in panels.zip(out.chunks_mut(PANEL_ROWS)) {
        let mut y = [_mm256_setzero_ps(); 2];
        let mut x = x.clone();
        for (codes, scales) in codes.chunks_exact(per_scale).zip(scales) {
            let d = widen_scales(scales);
            for ([first, second], ((values, factors), sums)) in codes.iter().zip(&mut x) {
                let acc = [dot_block(first, values, 0), dot_block(second, values, 8)];
                let t = add_terms(acc, *factors, *sums);
                for h in 0..2 {
                    y[h] = _mm256_add_ps(y[h], _mm256_mul_ps(d[h], t[h]));
                }
            }
        }
        let mut all = [0.0; PANEL_ROWS];
        store_panel(&mut all, y);
        out.copy_from_slice(&all[..out.len()]);
    }
}

#[target_feature(enable = "avx2,f16c")]
pub fn gemv(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    gemv_with(weights, activations, out, |codes, values, from| {
        dot_block(codes, values, from)
    });
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::GroupedGemv, Isa::Avx2, macs);
}

/// `a_0·acc_0 + a_1·acc_1` of a group, from the sums with codes.
#[target_feature(enable = "avx2")]
#[inline]
fn add_terms(acc: [[__m256i; 2]; 2], factors: [f32; 2], sums: [i32; 2]) -> [__m256; 2] {
    let term = |i: usize, h: usize| {
        let exact = _mm256_cvtepi32_ps(_mm256_sub_epi32(acc[i][h], _mm256_set1_epi32(sums[i])));
        _mm256_mul_ps(_mm256_set1_ps(factors[i]), exact)
    };
    [
        _mm256_add_ps(term(0, 0), term(1, 0)),
        _mm256_add_ps(term(0, 1), term(1, 1)),
    ]
}

/// Σ code·q of a block of 32 columns, for rows 0 to 7 and 8 to 15; `from` is its first place among
/// the fours of `values`.
///
/// Two of the four fields are used in place, as 4·code, with a sum of their own. Limits of the i16
/// sums: `maddubs` adds two products, at most 2·2·127 = 508, or 2032 for fields in place. Four of
/// each are at most 8,128, so all of a block fits.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_block(codes: &PanelBlock, values: &[i8; GROUP_COLS], from: usize) -> [__m256i; 2] {
    let (lines, _) = codes.as_chunks::<64>();
    let [low_field, high_field] = [0b0011, 0b1100].map(|mask| _mm256_set1_epi8(mask));
    let mut plain = [_mm256_setzero_si256(); 2];
    let mut in_place = plain;
    for (l, line) in lines.iter().enumerate() {
        prefetch(line, PREFETCH_AHEAD);
        let (halves, _) = line.as_chunks::<32>();
        let q: [__m256i; 4] =
            std::array::from_fn(|f| _mm256_set1_epi32(four(values, from + 4 * l + f)));
        for h in 0..2 {
            let lower = load_bytes(&halves[h]);
            let upper = _mm256_srli_epi16::<4>(lower);
            let product = |fields, mask, q| _mm256_maddubs_epi16(_mm256_and_si256(fields, mask), q);
            let two = _mm256_add_epi16(
                product(lower, low_field, q[0]),
                product(upper, low_field, q[2]),
            );
            plain[h] = _mm256_add_epi16(plain[h], two);
            let two = _mm256_add_epi16(
                product(lower, high_field, q[1]),
                product(upper, high_field, q[3]),
            );
            in_place[h] = _mm256_add_epi16(in_place[h], two);
        }
    }
    let ones = _mm256_set1_epi16(1);
    let sum = |h: usize| {
        // All are multiples of four, so the shift is an exact division.
        let all = _mm256_add_epi16(plain[h], _mm256_srai_epi16::<2>(in_place[h]));
        _mm256_madd_epi16(all, ones)
    };
    [sum(0), sum(1)]
}

/// The scales of rows 0 to 7 and 8 to 15.
#[target_feature(enable = "avx2,f16c")]
#[inline]
pub fn widen_scales(scales: &[u8; PANEL_SCALES_BYTES]) -> [__m256; 2] {
    let (halves, _) = scales.as_chunks::<16>();
    [
        _mm256_cvtph_ps(load_half(&halves[0])),
        _mm256_cvtph_ps(load_half(&halves[1])),
    ]
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn store_panel(out: &mut [f32; PANEL_ROWS], y: [__m256; 2]) {
    let (halves, _) = out.as_chunks_mut::<8>();
    for (half, y) in halves.iter_mut().zip(y) {
        store(half, y);
    }
}

#[target_feature(enable = "avx2,f16c")]
pub fn embedding_row(weights: GroupedRows, row: usize, out: &mut [f32], recorder: &mut Recorder) {
    assert!(out.len() == weights.n_cols && row < weights.n_rows);
    weights.assert_whole();
    let n_blocks = weights.n_cols / BLOCK_COLS;
    let (codes, _) = weights.codes.as_chunks::<PANEL_BLOCK_BYTES>();
    let codes = &codes[row / PANEL_ROWS * n_blocks..][..n_blocks];
    let (out32, _) = out.as_chunks_mut::<BLOCK_COLS>();
    for (b, (codes, out)) in codes.iter().zip(out32).enumerate() {
        let bits = weights.scale_bits(row, b * BLOCK_COLS);
        let d = _mm256_set1_ps(half::f16::from_bits(bits).to_f32());
        let (fours, _) = codes.as_chunks::<4>();
        let (out8, _) = out.as_chunks_mut::<8>();
        for (i, out) in out8.iter_mut().enumerate() {
            // Eight columns are two fields of a row's four bytes in a line.
            let fields = u32::from_le_bytes(fours[PANEL_ROWS * (i / 2) + row % PANEL_ROWS]);
            let fields = fields >> (4 * (i % 2));
            let both = i64::from(fields & 0x0303_0303) | i64::from(fields >> 2 & 0x0303_0303) << 32;
            let weights = _mm_sub_epi8(_mm_cvtsi64_si128(both), _mm_set1_epi8(1));
            store(out, _mm256_mul_ps(super::lanes::widen_i8(weights), d));
        }
    }
    recorder.record(KernelName::EmbeddingRowGrouped, Isa::Avx2, out.len());
}
