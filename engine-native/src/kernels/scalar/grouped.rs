//! Grouped ternary weights: block quantization, products and embedding rows.

use crate::{
    kernels::finite::{NonFinite, check_finite},
    ledger::{Isa, KernelName, Recorder},
    operands::{
        BLOCK_COLS, GROUP_COLS, GemmBatch, GemmScratch, GroupedRows, QuantizedActivations,
        four_of_field,
    },
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

/// Σ weight·q of `row` in the two blocks of group `g`.
fn dot_group(weights: GroupedRows, row: usize, g: usize, q: &[i8; GROUP_COLS]) -> [i32; 2] {
    let (fours, _) = q.as_chunks::<4>();
    let mut sums = [0; 2];
    for (line, bytes) in weights.bytes(row, g).into_iter().enumerate() {
        for field in 0..4 {
            let q = fours[four_of_field(line, field)];
            for (byte, q) in bytes.into_iter().zip(q) {
                let weight = i32::from(byte >> (2 * field) & 3) - 1;
                sums[field % 2] += weight * i32::from(q);
            }
        }
    }
    sums
}

fn gemv_rows(weights: GroupedRows, activations: &QuantizedActivations, out: &mut [f32]) {
    weights.assert_fits(activations, out.len());
    let (values, _) = activations.values.as_chunks::<GROUP_COLS>();
    let (scales, _) = activations.block_scales.as_chunks::<2>();
    for (row, out) in out.iter_mut().enumerate() {
        *out = 0.0;
        for (g, (values, scales)) in values.iter().zip(scales).enumerate() {
            let [first, second] = dot_group(weights, row, g, values);
            let t = scales[0] * first as f32 + scales[1] * second as f32;
            *out += scale(weights, row, g * GROUP_COLS) * t;
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
