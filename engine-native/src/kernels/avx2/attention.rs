//! RoPE, the KV cache and attention of one query head.

use std::arch::x86_64::*;

use super::{
    dense::dot_rows,
    lanes::{exp, load, load_half, load_twice, max_f32, store, store_half, sum16_of},
};
use crate::{
    kernels::{
        DenseRows, Isa, KernelName, NonFinite, RopeAngles, check_finite, check_finite_scalar,
        scalar,
    },
    ledger::Recorder,
    model::{DenseType, RopePairs},
};

#[target_feature(enable = "avx2")]
pub fn rope(heads: &mut [f32], head_dim: usize, angles: RopeAngles, recorder: &mut Recorder) {
    let half = angles.cos.len();
    assert!(angles.sin.len() == half && 2 * half <= head_dim);
    let mut rotated = 0;
    for head in heads.chunks_exact_mut(head_dim) {
        let head = &mut head[..2 * half];
        match angles.pairs {
            RopePairs::Halves => rotate_halves(head, angles.cos, angles.sin),
            RopePairs::Neighbours => rotate_neighbours(head, angles.cos, angles.sin),
        }
        rotated += head.len();
    }
    recorder.record(KernelName::RopeApply, Isa::Avx2, 2 * rotated);
}

#[target_feature(enable = "avx2")]
#[inline]
fn rotate_halves(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = head.split_at_mut(cos.len());
    let (cos8, cos) = cos.as_chunks::<8>();
    let (sin8, sin) = sin.as_chunks::<8>();
    let (first8, first) = first.as_chunks_mut::<8>();
    let (second8, second) = second.as_chunks_mut::<8>();
    let angles8 = cos8.iter().zip(sin8);
    for ((x0, x1), (c, s)) in first8.iter_mut().zip(second8).zip(angles8) {
        let (a, b, c, s) = (load(x0), load(x1), load(c), load(s));
        store(x0, _mm256_sub_ps(_mm256_mul_ps(a, c), _mm256_mul_ps(b, s)));
        store(x1, _mm256_add_ps(_mm256_mul_ps(a, s), _mm256_mul_ps(b, c)));
    }
    scalar::rotate_halves(first, second, cos, sin);
}

/// Four pairs at a time.
#[target_feature(enable = "avx2")]
#[inline]
fn rotate_neighbours(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (pairs4, pairs) = head.as_chunks_mut::<8>();
    let (cos4, cos) = cos.as_chunks::<4>();
    let (sin4, sin) = sin.as_chunks::<4>();
    for (x, (c, s)) in pairs4.iter_mut().zip(cos4.iter().zip(sin4)) {
        let pair = load(x);
        let swapped = _mm256_permute_ps(pair, 0b10_11_00_01);
        let by_cos = _mm256_mul_ps(pair, load_twice(c));
        let by_sin = _mm256_mul_ps(swapped, load_twice(s));
        // Subtracts in the even lanes, adds in the odd ones.
        store(x, _mm256_addsub_ps(by_cos, by_sin));
    }
    scalar::rotate_neighbours(pairs, cos, sin);
}

#[target_feature(enable = "avx2,f16c")]
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
        _ => store_f16(x, out)?,
    }
    recorder.record(KernelName::kv_store(cache_type), Isa::Avx2, x.len());
    Ok(())
}

#[target_feature(enable = "avx2,f16c")]
#[inline]
fn store_f16(x: &[f32], out: &mut [u8]) -> Result<(), NonFinite> {
    let (x8, x_tail) = x.as_chunks::<8>();
    let (out8, out_tail) = out.as_chunks_mut::<16>();
    let infinity = _mm_set1_epi16(0x7c00);
    let mut overflow = _mm_setzero_si128();
    for (out, x) in out8.iter_mut().zip(x8) {
        let rounded = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(load(x));
        let exponent = _mm_and_si128(rounded, infinity);
        overflow = _mm_or_si128(overflow, _mm_cmpeq_epi16(exponent, infinity));
        store_half(out, rounded);
    }
    let first_of_tail = x8.len() * 8;
    if _mm_movemask_epi8(overflow) != 0 {
        // Found again by the scalar kernel, which knows the element.
        return scalar::store_f16(x, out.as_chunks_mut::<2>().0, 0);
    }
    scalar::store_f16(x_tail, out_tail.as_chunks_mut::<2>().0, first_of_tail)
}

#[target_feature(enable = "avx2,f16c")]
pub fn attention_scores(
    query: &[f32],
    keys: DenseRows,
    scale: f32,
    scores: &mut [f32],
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    dot_rows(keys, query, scores);
    for score in scores.iter_mut() {
        *score *= scale;
    }
    check_finite(scores)?;
    let name = KernelName::attention_scores(keys.dense_type);
    recorder.record(name, Isa::Avx2, scores.len() * query.len());
    Ok(())
}

#[target_feature(enable = "avx2")]
pub fn softmax(scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
    let max = max(scores);
    subtract_and_exp(scores, max);
    let sum = sum16_of(scores, |x| x);
    check_finite_scalar(sum)?;
    for score in scores.iter_mut() {
        *score /= sum;
    }
    recorder.record(KernelName::SoftmaxInplace, Isa::Avx2, scores.len());
    Ok(())
}

#[target_feature(enable = "avx2")]
#[inline]
fn max(x: &[f32]) -> f32 {
    let (chunks, tail) = x.as_chunks::<8>();
    let mut max = _mm256_set1_ps(f32::NEG_INFINITY);
    for chunk in chunks {
        max = _mm256_max_ps(max, load(chunk));
    }
    tail.iter().fold(max_f32(max), |m, &x| m.max(x))
}

#[target_feature(enable = "avx2")]
#[inline]
fn subtract_and_exp(x: &mut [f32], max: f32) {
    let (chunks, tail) = x.as_chunks_mut::<8>();
    for chunk in chunks {
        let shifted = _mm256_sub_ps(load(chunk), _mm256_set1_ps(max));
        store(chunk, exp(shifted));
    }
    for x in tail {
        *x = scalar::float::exp(*x - max);
    }
}

#[target_feature(enable = "avx2,f16c")]
pub fn attention_values(
    weights: &[f32],
    values: DenseRows,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    assert_eq!(out.len(), values.n_cols);
    assert_eq!(values.bytes.len(), weights.len() * values.row_bytes());
    match values.dense_type {
        DenseType::F32 => weighted_sum(weights, values, out, |bytes: &[u8; 32]| {
            _mm256_castsi256_ps(super::lanes::load_bytes(bytes))
        }),
        _ => weighted_sum(weights, values, out, |bytes: &[u8; 16]| {
            _mm256_cvtph_ps(load_half(bytes))
        }),
    }
    let name = KernelName::attention_values(values.dense_type);
    recorder.record(name, Isa::Avx2, weights.len() * out.len());
}

/// `out[d] = Σ_t weights[t] · values[t][d]`; eight elements take `B` bytes.
#[target_feature(enable = "avx2,f16c")]
#[inline]
fn weighted_sum<const B: usize>(
    weights: &[f32],
    values: DenseRows,
    out: &mut [f32],
    widen: impl Fn(&[u8; B]) -> __m256,
) {
    let row_bytes = values.row_bytes();
    let (out8, out_tail) = out.as_chunks_mut::<8>();
    let n8 = out8.len();
    // Eight vectors at a time stay in registers over all positions.
    for (group, out8) in out8.chunks_mut(8).enumerate() {
        let first = group * 8 * B;
        let last = first + out8.len() * B;
        let mut acc = [_mm256_setzero_ps(); 8];
        for (weight, row) in weights.iter().zip(values.bytes.chunks_exact(row_bytes)) {
            let weight = _mm256_set1_ps(*weight);
            let (chunks, _) = row[first..last].as_chunks::<B>();
            for (acc, bytes) in acc.iter_mut().zip(chunks) {
                *acc = _mm256_add_ps(*acc, _mm256_mul_ps(weight, widen(bytes)));
            }
        }
        for (out, acc) in out8.iter_mut().zip(acc) {
            store(out, acc);
        }
    }
    for (i, out) in out_tail.iter_mut().enumerate() {
        *out = 0.0;
        for (weight, row) in weights.iter().zip(values.bytes.chunks_exact(row_bytes)) {
            *out += weight * scalar::widen(values.dense_type, row, n8 * 8 + i);
        }
    }
}
