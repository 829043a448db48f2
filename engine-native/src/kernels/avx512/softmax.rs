//! Softmax on sixteen lanes.

use std::arch::x86_64::*;

use super::lanes::{load_floats, store_floats, tree16_eight};
use crate::{
    kernels::{
        finite::{NonFinite, check_finite_scalar},
        scalar::float::exp_constants::*,
    },
    ledger::{Isa, KernelName, Recorder},
};

#[target_feature(enable = "avx512f,avx512dq,avx2")]
pub fn softmax(scores: &mut [f32], recorder: &mut Recorder) -> Result<(), NonFinite> {
    let max = max(scores);
    let sum = exponentials(scores, max);
    check_finite_scalar(sum)?;
    let (chunks, tail) = scores.as_chunks_mut::<16>();
    for chunk in chunks {
        store_floats(
            chunk,
            _mm512_div_ps(load_floats(chunk), _mm512_set1_ps(sum)),
        );
    }
    tail.iter_mut().for_each(|score| *score /= sum);
    recorder.record(KernelName::SoftmaxInplace, Isa::Avx512Vnni, scores.len());
    Ok(())
}

#[target_feature(enable = "avx512f")]
#[inline]
fn max(x: &[f32]) -> f32 {
    let (chunks, tail) = x.as_chunks::<16>();
    let mut max = _mm512_set1_ps(f32::NEG_INFINITY);
    for chunk in chunks {
        max = _mm512_max_ps(max, load_floats(chunk));
    }
    tail.iter()
        .fold(_mm512_reduce_max_ps(max), |m, &x| m.max(x))
}

/// Replaces each score by e^(score − max); returns their sum in the contract's order.
#[target_feature(enable = "avx512f,avx512dq,avx2")]
#[inline]
fn exponentials(scores: &mut [f32], max: f32) -> f32 {
    let max = _mm512_set1_ps(max);
    let mut sum = _mm512_setzero_ps();
    let (chunks, tail) = scores.as_chunks_mut::<16>();
    for chunk in chunks {
        let e = exp(_mm512_sub_ps(load_floats(chunk), max));
        store_floats(chunk, e);
        sum = _mm512_add_ps(sum, e);
    }
    if !tail.is_empty() {
        let mut all = [0.0; 16];
        all[..tail.len()].copy_from_slice(tail);
        let e = exp(_mm512_sub_ps(load_floats(&all), max));
        // Zeros after the end do not change any lane.
        let e = _mm512_maskz_mov_ps((1 << tail.len()) - 1, e);
        store_floats(&mut all, e);
        tail.copy_from_slice(&all[..tail.len()]);
        sum = _mm512_add_ps(sum, e);
    }
    let zero = _mm512_setzero_ps();
    let sums = tree16_eight([sum, zero, zero, zero, zero, zero, zero, zero]);
    _mm256_cvtss_f32(sums)
}

/// e^x by the contract's polynomial.
#[target_feature(enable = "avx512f")]
#[inline]
fn exp(x: __m512) -> __m512 {
    let splat = |c: f32| _mm512_set1_ps(c);
    // The limits are the first operands: for NaN the instructions return the second operand, and a
    // NaN must stay one.
    let x = _mm512_min_ps(splat(RANGE.1), _mm512_max_ps(splat(RANGE.0), x));
    let magic = splat(MAGIC);
    let t = _mm512_add_ps(_mm512_mul_ps(x, splat(LOG2_E)), magic);
    let n = _mm512_sub_ps(t, magic);
    let r = _mm512_sub_ps(x, _mm512_mul_ps(n, splat(LN2_HI)));
    let r = _mm512_sub_ps(r, _mm512_mul_ps(n, splat(LN2_LO)));
    let mut p = splat(POLYNOMIAL[0]);
    for c in &POLYNOMIAL[1..] {
        p = _mm512_add_ps(_mm512_mul_ps(p, r), splat(*c));
    }
    let e_r = _mm512_add_ps(_mm512_mul_ps(p, _mm512_mul_ps(r, r)), r);
    let e_r = _mm512_add_ps(e_r, splat(1.0));
    let exponent = _mm512_sub_epi32(_mm512_castps_si512(t), _mm512_castps_si512(magic));
    let exponent = _mm512_add_epi32(exponent, _mm512_set1_epi32(127));
    _mm512_mul_ps(e_r, _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)))
}
