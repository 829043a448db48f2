//! Grouped ternary weights: block quantization and embedding rows.

use std::arch::x86_64::*;

use super::{
    lanes::{load_half, store},
    linear::{absmax_bits, quantize_32},
};
use crate::{
    kernels::{
        finite::{NonFinite, check_finite},
        scalar,
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{
        BLOCK_COLS, GROUP_COLS, GroupedRows, PANEL_GROUP_BYTES, PANEL_ROWS, PanelScales,
        QuantizedActivations,
    },
};

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

/// The scales of rows 0 to 7 and 8 to 15.
#[target_feature(enable = "avx2,f16c")]
#[inline]
pub fn widen_scales(scales: &PanelScales) -> [__m256; 2] {
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
    let n_groups = weights.n_cols / GROUP_COLS;
    let (codes, _) = weights.codes.as_chunks::<PANEL_GROUP_BYTES>();
    let codes = &codes[row / PANEL_ROWS * n_groups..][..n_groups];
    let (out64, _) = out.as_chunks_mut::<GROUP_COLS>();
    for (g, (codes, out)) in codes.iter().zip(out64).enumerate() {
        let bits = weights.scale_bits(row, g * GROUP_COLS);
        let d = _mm256_set1_ps(half::f16::from_bits(bits).to_f32());
        let (fours, _) = codes.as_chunks::<4>();
        let (out8, _) = out.as_chunks_mut::<8>();
        for (i, out) in out8.iter_mut().enumerate() {
            // Eight columns of a block are two fields of a row's four bytes in a line.
            let (block, line) = (i / 4, i % 4);
            let fields = u32::from_le_bytes(fours[PANEL_ROWS * line + row % PANEL_ROWS]);
            let fields = fields >> (2 * block);
            let both = i64::from(fields & 0x0303_0303) | i64::from(fields >> 4 & 0x0303_0303) << 32;
            let weights = _mm_sub_epi8(_mm_cvtsi64_si128(both), _mm_set1_epi8(1));
            store(out, _mm256_mul_ps(super::lanes::widen_i8(weights), d));
        }
    }
    recorder.record(KernelName::EmbeddingRowGrouped, Isa::Avx2, out.len());
}
