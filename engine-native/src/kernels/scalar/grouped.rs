//! Grouped ternary weights: block quantization, products and embedding rows.

use crate::{
    kernels::finite::{NonFinite, check_finite},
    ledger::{Isa, KernelName, Recorder},
    operands::{BLOCK_COLS, GemmBatch, GemmScratch, GroupedRows, QuantizedActivations},
};

pub fn quantize_blocks(
    x: &[f32],
    out: &mut QuantizedActivations,
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    out.assert_blocks(x.len());
    check_finite(x)?;
    let values = out.values.chunks_exact_mut(BLOCK_COLS);
    for (b, (values, x)) in values.zip(x.chunks_exact(BLOCK_COLS)).enumerate() {
        let absmax = x.iter().fold(0f32, |m, x| m.max(x.abs()));
        let scale = block_scale(absmax, b)?;
        let s = factor(absmax, scale);
        let mut sum = 0;
        for (q, x) in values.iter_mut().zip(x) {
            let rounded = (x * s).round_ties_even().clamp(-127.0, 127.0) as i32;
            *q = rounded as i8;
            sum += rounded;
        }
        out.block_scales[b] = scale;
        out.block_sums[b] = sum;
    }
    recorder.record(KernelName::BlockQuantize, Isa::Scalar, x.len());
    Ok(())
}

/// The scale of block `b`, rounded to F16.
pub fn block_scale(absmax: f32, b: usize) -> Result<f32, NonFinite> {
    let scale = absmax / 127.0;
    let rounded = half::f16::from_f32(scale);
    if !rounded.is_finite() {
        return Err(NonFinite {
            element: b * BLOCK_COLS,
            bits: scale.to_bits(),
        });
    }
    Ok(rounded.to_f32())
}

/// What the elements of a block are multiplied by: 0 if its scale is too small for F16, where 127 /
/// absmax might be infinite.
pub fn factor(absmax: f32, scale: f32) -> f32 {
    match scale == 0.0 {
        true => 0.0,
        false => 127.0 / absmax,
    }
}

/// Σ weight·q of `row` in block `b`.
fn dot_block(weights: GroupedRows, row: usize, b: usize, q: &[i8]) -> i32 {
    let weight = |c: usize| i32::from(weights.code(row, b * BLOCK_COLS + c)) - 1;
    (0..BLOCK_COLS).map(|c| weight(c) * i32::from(q[c])).sum()
}

fn gemv_rows(weights: GroupedRows, activations: &QuantizedActivations, out: &mut [f32]) {
    weights.assert_fits(activations, out.len());
    let (blocks, _) = activations.values.as_chunks::<BLOCK_COLS>();
    let scales = &activations.block_scales;
    for (row, out) in out.iter_mut().enumerate() {
        *out = 0.0;
        for b in (0..weights.n_cols / BLOCK_COLS).step_by(2) {
            let [first, second] =
                [b, b + 1].map(|b| scales[b] * dot_block(weights, row, b, &blocks[b]) as f32);
            *out += scale(weights, row, b * BLOCK_COLS) * (first + second);
        }
    }
}

fn scale(weights: GroupedRows, row: usize, column: usize) -> f32 {
    half::f16::from_bits(weights.scale_bits(row, column)).to_f32()
}

pub fn grouped_gemv(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    gemv_rows(weights, activations, out);
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::GroupedGemv, Isa::Scalar, macs);
}

pub fn grouped_gemm(
    weights: GroupedRows,
    batch: &mut dyn GemmBatch,
    _: &mut GemmScratch,
    recorder: &mut Recorder,
) {
    let mut n_outputs = 0;
    for i in 0..batch.n_positions() {
        let (activations, out) = batch.position(i);
        gemv_rows(weights, activations, out);
        n_outputs += out.len();
    }
    let macs = n_outputs * weights.n_cols;
    recorder.record(KernelName::GroupedGemm, Isa::Scalar, macs);
}

pub fn grouped_embedding_row(
    weights: GroupedRows,
    row: usize,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    assert_eq!(out.len(), weights.n_cols);
    weights.assert_whole();
    for (column, out) in out.iter_mut().enumerate() {
        let weight = f32::from(weights.code(row, column)) - 1.0;
        *out = weight * scale(weights, row, column);
    }
    recorder.record(KernelName::EmbeddingRowGrouped, Isa::Scalar, out.len());
}
