//! BitLinear: activation quantization and ternary products.

use crate::{
    kernels::finite::{NonFinite, check_finite},
    ledger::{Isa, KernelName, Recorder},
    operands::{GemmBatch, GemmScratch, QuantizedActivations, RowLayout, TernaryRows},
};

pub fn quantize(
    x: &[f32],
    out: &mut QuantizedActivations,
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    assert_eq!(x.len(), out.len);
    check_finite(x)?;
    let absmax = x.iter().fold(1e-5f32, |m, x| m.max(x.abs()));
    let s = 127.0 / absmax;
    let mut sum = 0;
    for (q, x) in out.values.iter_mut().zip(x) {
        // At most 127 in magnitude by construction of s, apart from rounding.
        let rounded = (x * s).round_ties_even().clamp(-127.0, 127.0) as i32;
        *q = rounded as i8;
        sum += rounded;
    }
    out.sum = sum;
    out.scale = absmax / 127.0;
    recorder.record(KernelName::ActivationQuantize, Isa::Scalar, x.len());
    Ok(())
}

/// Σ code·q over the block of row `r` in `blocks`, the blocks of a group. Codes are weights plus
/// one. Exact: at most 2·127 per element, so an i32 suffices for rows of up to 2²³ elements.
fn dot_block(layout: RowLayout, blocks: &[u8], r: usize, q: &[i8]) -> i32 {
    let block = &blocks[r * layout.block_bytes()..][..layout.block_bytes()];
    match layout {
        RowLayout::Rows | RowLayout::Groups128 => dot_fields(block, q, 32),
        RowLayout::Groups256 => dot_fields(block, q, 64),
        RowLayout::Triples384 => dot_triples(blocks, r, q),
    }
}

/// Byte k holds the codes of weights k, k + n, k + 2n and k + 3n, highest bits first.
fn dot_fields(block: &[u8], q: &[i8], n: usize) -> i32 {
    let mut acc = 0;
    for (k, &byte) in block.iter().enumerate() {
        for field in 0..4 {
            let code = i32::from(byte >> (6 - 2 * field) & 3);
            acc += code * i32::from(q[k + n * field]);
        }
    }
    acc
}

/// The fields hold three codes as base-3 digits.
fn dot_triples(lines: &[u8], r: usize, q: &[i8]) -> i32 {
    let (highest, others) = (&lines[..64], &lines[64 * (r + 1)..]);
    let mut acc = 0;
    for v in 0..2 {
        for k in 0..64 {
            let bit = highest[k] >> (2 * r + v) & 1;
            let field = i32::from(bit << 4 | others[k] >> (4 * v) & 15);
            let digits = [field / 9, field / 3 % 3, field % 3];
            for (n, digit) in digits.into_iter().enumerate() {
                acc += digit * i32::from(q[192 * v + 64 * n + k]);
            }
        }
    }
    acc
}

fn gemv_rows(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    weights.assert_fits(activations, out.len());
    let layout = weights.layout;
    let (group_rows, block_bytes) = (layout.group_rows(), layout.block_bytes());
    let scale = weights.scale * activations.scale;
    let groups = weights
        .packed
        .chunks_exact(layout.bytes(group_rows, weights.n_cols));
    for (group, out) in groups.zip(out.chunks_mut(group_rows)) {
        let mut acc = vec![-activations.sum; group_rows];
        let values = activations.values.chunks_exact(layout.block_len());
        for (blocks, q) in group.chunks_exact(group_rows * block_bytes).zip(values) {
            for (r, acc) in acc.iter_mut().enumerate() {
                *acc += dot_block(layout, blocks, r, q);
            }
        }
        for (out, acc) in out.iter_mut().zip(acc) {
            *out = acc as f32 * scale;
        }
    }
}

pub fn ternary_gemv(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    gemv_rows(weights, activations, out);
    recorder.record(KernelName::I2sGemv, Isa::Scalar, out.len() * weights.n_cols);
}

pub fn ternary_gemm(
    weights: TernaryRows,
    batch: &mut dyn GemmBatch,
    _: &mut GemmScratch,
    recorder: &mut Recorder,
) {
    // Any layout would do here. It is refused as on every ISA, so that a mistake shows everywhere.
    assert_eq!(weights.layout, RowLayout::Rows);
    let mut n_outputs = 0;
    for i in 0..batch.n_positions() {
        let (activations, out) = batch.position(i);
        gemv_rows(weights, activations, out);
        n_outputs += out.len();
    }
    recorder.record(KernelName::I2sGemm, Isa::Scalar, n_outputs * weights.n_cols);
}
