//! Embedding rows, the output matrix and the greedy choice.

use super::float::tree16;
use crate::{
    kernels::finite::{NonFinite, check_finite},
    ledger::{Isa, KernelName, Recorder},
    model::DenseType,
    operands::DenseRows,
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
        DenseType::Bf16 => {
            let bits = u16::from_le_bytes([row[i * 2], row[i * 2 + 1]]);
            f32::from_bits(u32::from(bits) << 16)
        }
        DenseType::Q8_0 => {
            let block = i / 32 * 34;
            // 11 significant bits times 8: exact.
            f16(block) * f32::from(row[block + 2 + i % 32] as i8)
        }
        DenseType::Q6K => widen_q6_k(&row.as_chunks().0[i / 256], i % 256),
        DenseType::Q4K => widen_q4_k(&row.as_chunks().0[i / 256], i % 256),
    }
}

/// Weight `i` of a Q6_K block: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 scales, d.
fn widen_q6_k(block: &[u8; 210], i: usize) -> f32 {
    let (half, quarter, l) = (i / 128, i / 32 % 4, i % 32);
    let low = block[64 * half + 32 * (quarter % 2) + l] >> (4 * (quarter / 2)) & 15;
    let high = block[128 + 32 * half + l] >> (2 * quarter) & 3;
    let q = i16::from(low | high << 4) - 32;
    let scale = block[192 + i / 16] as i8;
    let d = half::f16::from_le_bytes([block[208], block[209]]).to_f32();
    // 11 significant bits times 8 times 6: exact.
    (d * f32::from(scale)) * f32::from(q)
}

/// Weight `i` of a Q4_K block: d, dmin, 12 bytes of scales and minima, 128 bytes of nibbles.
fn widen_q4_k(block: &[u8; 144], i: usize) -> f32 {
    let group = i / 32;
    let q = block[16 + 32 * (group / 2) + i % 32] >> (4 * (group % 2)) & 15;
    let (scale, min) = q4_k_scale(block, group);
    scale * f32::from(q) - min
}

/// The scale and the minimum of group `group`, which is 32 of the 256 weights: `weight = scale ·
/// nibble − minimum`.
pub fn q4_k_scale(block: &[u8; 144], group: usize) -> (f32, f32) {
    let d = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
    let dmin = half::f16::from_le_bytes([block[2], block[3]]).to_f32();
    let b = &block[4..16];
    let (scale, min) = if group < 4 {
        (b[group] & 63, b[group + 4] & 63)
    } else {
        (
            b[group + 4] & 15 | b[group - 4] >> 6 << 4,
            b[group + 4] >> 4 | b[group] >> 6 << 4,
        )
    };
    (d * f32::from(scale), dmin * f32::from(min))
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
