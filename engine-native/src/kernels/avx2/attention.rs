//! RoPE, the KV cache store and softmax.

use std::arch::x86_64::*;

use super::lanes::{exp, load, load_twice, max_f32, store, store_half, sum16_of};
use crate::{
    kernels::{
        finite::{NonFinite, check_finite_scalar},
        scalar,
    },
    ledger::{Isa, KernelName, Recorder},
    model::{DenseType, RopePairs},
    operands::RopeAngles,
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

/// Rotates four pairs at a time.
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
        // Subtracts in even lanes, adds in odd lanes.
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
        // The scalar kernel finds the element for the error.
        return scalar::store_f16(x, out.as_chunks_mut::<2>().0, 0);
    }
    scalar::store_f16(x_tail, out_tail.as_chunks_mut::<2>().0, first_of_tail)
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
