//! RoPE, the KV cache store and attention.

use super::{
    dense::{dot_rows, widen},
    float::{exp, sum16},
};
use crate::{
    kernels::finite::{NonFinite, check_finite_scalar},
    ledger::{Isa, KernelName, Recorder},
    model::{DenseType, RopePairs},
    operands::{AttentionScratch, DenseRows, Queries, RopeAngles, assert_sums_fit},
};

pub fn rope(heads: &mut [f32], head_dim: usize, angles: RopeAngles, recorder: &mut Recorder) {
    let half = angles.cos.len();
    assert!(angles.sin.len() == half && 2 * half <= head_dim);
    let mut rotated = 0;
    for head in heads.chunks_exact_mut(head_dim) {
        let head = &mut head[..2 * half];
        match angles.pairs {
            RopePairs::Halves => {
                let (first, second) = head.split_at_mut(half);
                rotate_halves(first, second, angles.cos, angles.sin);
            }
            RopePairs::Neighbours => rotate_neighbours(head, angles.cos, angles.sin),
        }
        rotated += head.len();
    }
    recorder.record(KernelName::RopeApply, Isa::Scalar, 2 * rotated);
}

/// Rotates `(first[j], second[j])` by angle j.
pub fn rotate_halves(first: &mut [f32], second: &mut [f32], cos: &[f32], sin: &[f32]) {
    let angles = cos.iter().zip(sin);
    for ((x0, x1), (c, s)) in first.iter_mut().zip(second).zip(angles) {
        (*x0, *x1) = rotated((*x0, *x1), *c, *s);
    }
}

/// Rotates `(head[2j], head[2j + 1])` by angle j.
pub fn rotate_neighbours(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (pairs, _) = head.as_chunks_mut::<2>();
    for ([x0, x1], (c, s)) in pairs.iter_mut().zip(cos.iter().zip(sin)) {
        (*x0, *x1) = rotated((*x0, *x1), *c, *s);
    }
}

fn rotated((x0, x1): (f32, f32), c: f32, s: f32) -> (f32, f32) {
    (x0 * c - x1 * s, x0 * s + x1 * c)
}

pub fn kv_store(
    x: &[f32],
    cache_type: DenseType,
    out: &mut [u8],
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    assert_eq!(out.len(), cache_type.row_bytes(x.len()));
    match cache_type {
        DenseType::F32 => {
            for (out, x) in out.as_chunks_mut::<4>().0.iter_mut().zip(x) {
                *out = x.to_le_bytes();
            }
        }
        _ => store_f16(x, out.as_chunks_mut::<2>().0, 0)?,
    }
    recorder.record(KernelName::kv_store(cache_type), Isa::Scalar, x.len());
    Ok(())
}

/// Rounds `x` to F16. `first` is the index of `x[0]` in the whole vector, for the error.
pub fn store_f16(x: &[f32], out: &mut [[u8; 2]], first: usize) -> Result<(), NonFinite> {
    for (i, (out, x)) in out.iter_mut().zip(x).enumerate() {
        let rounded = half::f16::from_f32(*x);
        if !rounded.is_finite() {
            return Err(NonFinite {
                element: first + i,
                bits: x.to_bits(),
            });
        }
        *out = rounded.to_le_bytes();
    }
    Ok(())
}

pub fn attention_scores(
    queries: Queries,
    keys: DenseRows,
    scale: f32,
    scores: &mut [f32],
    _: &mut AttentionScratch,
    recorder: &mut Recorder,
) {
    queries.assert_fit(keys, scores);
    let mut rows = scores.chunks_exact_mut(queries.n_keys());
    for (i, heads) in queries.of_positions.iter().enumerate() {
        let n = queries.first + i + 1;
        for query in heads.chunks_exact(queries.head_dim) {
            let scores = &mut rows.next().unwrap_or_default()[..n];
            dot_rows(keys.rows(0, n), query, scores);
            scores.iter_mut().for_each(|score| *score *= scale);
        }
    }
    let name = KernelName::attention_scores(keys.dense_type);
    recorder.record(name, Isa::Scalar, queries.macs());
}

pub fn softmax(scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
    let max = scores.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
    for score in scores.iter_mut() {
        *score = exp(*score - max);
    }
    let sum = sum16(scores);
    check_finite_scalar(sum)?;
    for score in scores.iter_mut() {
        *score /= sum;
    }
    recorder.record(KernelName::SoftmaxInplace, Isa::Scalar, scores.len());
    Ok(())
}

pub fn attention_values(
    weights: &[f32],
    values: DenseRows,
    first: usize,
    out: &mut [&mut [f32]],
    _: &mut AttentionScratch,
    recorder: &mut Recorder,
) {
    let macs = assert_sums_fit(weights, values, first, out);
    let n_keys = first + out.len();
    let mut weights = weights.chunks_exact(n_keys);
    for (i, heads) in out.iter_mut().enumerate() {
        for out in heads.chunks_exact_mut(values.n_cols) {
            let weights = &weights.next().unwrap_or_default()[..first + i + 1];
            weighted_sum(weights, values, out);
        }
    }
    let name = KernelName::attention_values(values.dense_type);
    recorder.record(name, Isa::Scalar, macs);
}

fn weighted_sum(weights: &[f32], values: DenseRows, out: &mut [f32]) {
    out.fill(0.0);
    let rows = values.bytes.chunks_exact(values.row_bytes());
    for (weight, row) in weights.iter().zip(rows) {
        for (d, out) in out.iter_mut().enumerate() {
            *out += weight * widen(values.dense_type, row, d);
        }
    }
}
