//! Embedding rows, the output matrix and the greedy choice.

use super::float::tree16;
use crate::{
    kernels::{DenseRows, Isa, KernelName, NonFinite, check_finite},
    ledger::Recorder,
    model::DenseType,
};

/// Element `i` of a row, exactly widened to f32.
#[inline]
pub fn widen(dense_type: DenseType, row: &[u8], i: usize) -> f32 {
    let f16 = |at: usize| half::f16::from_le_bytes([row[at], row[at + 1]]).to_f32();
    match dense_type {
        DenseType::F32 => {
            let at = i * 4;
            f32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]])
        }
        DenseType::F16 => f16(i * 2),
        DenseType::Q8_0 => {
            let block = i / 32 * 34;
            // 11 significant bits times 8: exact.
            f16(block) * f32::from(row[block + 2 + i % 32] as i8)
        }
    }
}

/// dot16 of a widened row with `x`.
pub fn dot_row(dense_type: DenseType, row: &[u8], x: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    for (i, x) in x.iter().enumerate() {
        lanes[i % 16] += widen(dense_type, row, i) * x;
    }
    tree16(lanes)
}

/// `out[r] = dot16(rows[r], x)`.
pub fn dot_rows(rows: DenseRows, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), rows.n_cols);
    assert_eq!(rows.bytes.len(), out.len() * rows.row_bytes());
    for (out, row) in out
        .iter_mut()
        .zip(rows.bytes.chunks_exact(rows.row_bytes()))
    {
        *out = dot_row(rows.dense_type, row, x);
    }
}

pub fn embedding_row(row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
    assert!(out.len() == row.n_cols && row.bytes.len() == row.row_bytes());
    for (i, out) in out.iter_mut().enumerate() {
        *out = widen(row.dense_type, row.bytes, i);
    }
    let name = KernelName::embedding_row(row.dense_type);
    recorder.record(name, Isa::Scalar, out.len());
}

pub fn output_gemv(rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
    dot_rows(rows, x, out);
    let name = KernelName::output_gemv(rows.dense_type);
    recorder.record(name, Isa::Scalar, out.len() * rows.n_cols);
}

pub fn argmax(logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
    check_finite(logits)?;
    let mut best = 0;
    for (i, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = i;
        }
    }
    recorder.record(KernelName::Argmax, Isa::Scalar, logits.len());
    Ok(best)
}
