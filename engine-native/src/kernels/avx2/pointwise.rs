//! Norms and element-wise operations.

use std::arch::x86_64::*;

use super::lanes::{exp, load, store, sum16_of};
use crate::{
    kernels::{
        finite::{NonFinite, check_finite_scalar},
        scalar,
    },
    ledger::{Isa, KernelName, Recorder},
};

#[target_feature(enable = "avx2")]
pub fn rms_norm(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    out: &mut [f32],
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    assert!(x.len() == weight.len() && x.len() == out.len());
    let sum = sum16_of(x, |x| _mm256_mul_ps(x, x));
    check_finite_scalar(sum)?;
    let r = 1.0 / (sum / x.len() as f32 + epsilon).sqrt();
    let (x8, x_tail) = x.as_chunks::<8>();
    let (weight8, weight_tail) = weight.as_chunks::<8>();
    let (out8, out_tail) = out.as_chunks_mut::<8>();
    for ((out, x), weight) in out8.iter_mut().zip(x8).zip(weight8) {
        let scaled = _mm256_mul_ps(load(x), _mm256_set1_ps(r));
        store(out, _mm256_mul_ps(scaled, load(weight)));
    }
    for ((out, x), weight) in out_tail.iter_mut().zip(x_tail).zip(weight_tail) {
        *out = (x * r) * weight;
    }
    recorder.record(KernelName::RmsNorm, Isa::Avx2, x.len());
    Ok(())
}

#[target_feature(enable = "avx2")]
pub fn squared_relu_mul(gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
    assert!(gate.len() == up.len() && gate.len() == out.len());
    let (gate8, gate_tail) = gate.as_chunks::<8>();
    let (up8, up_tail) = up.as_chunks::<8>();
    let (out8, out_tail) = out.as_chunks_mut::<8>();
    for ((out, gate), up) in out8.iter_mut().zip(gate8).zip(up8) {
        // Zero is the second operand, which the instruction returns for NaN and for -0, as `>`
        // does.
        let r = _mm256_max_ps(load(gate), _mm256_setzero_ps());
        store(out, _mm256_mul_ps(_mm256_mul_ps(r, r), load(up)));
    }
    for ((out, &gate), up) in out_tail.iter_mut().zip(gate_tail).zip(up_tail) {
        let r = if gate > 0.0 { gate } else { 0.0 };
        *out = (r * r) * up;
    }
    recorder.record(KernelName::SquaredReluMul, Isa::Avx2, out.len());
}

#[target_feature(enable = "avx2")]
pub fn silu_mul(gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
    assert!(gate.len() == up.len() && gate.len() == out.len());
    let (gate8, gate_tail) = gate.as_chunks::<8>();
    let (up8, up_tail) = up.as_chunks::<8>();
    let (out8, out_tail) = out.as_chunks_mut::<8>();
    let sign = _mm256_set1_ps(-0.0);
    for ((out, gate), up) in out8.iter_mut().zip(gate8).zip(up8) {
        let x = load(gate);
        let divisor = _mm256_add_ps(_mm256_set1_ps(1.0), exp(_mm256_xor_ps(x, sign)));
        store(out, _mm256_mul_ps(_mm256_div_ps(x, divisor), load(up)));
    }
    for ((out, &gate), up) in out_tail.iter_mut().zip(gate_tail).zip(up_tail) {
        *out = scalar::silu(gate) * up;
    }
    recorder.record(KernelName::SiluMul, Isa::Avx2, out.len());
}

#[target_feature(enable = "avx2")]
pub fn residual_add(x: &mut [f32], y: &[f32], recorder: &mut Recorder) {
    assert_eq!(x.len(), y.len());
    let n = x.len();
    let (x8, x_tail) = x.as_chunks_mut::<8>();
    let (y8, y_tail) = y.as_chunks::<8>();
    for (x, y) in x8.iter_mut().zip(y8) {
        let sum = _mm256_add_ps(load(x), load(y));
        store(x, sum);
    }
    for (x, y) in x_tail.iter_mut().zip(y_tail) {
        *x += y;
    }
    recorder.record(KernelName::ResidualAdd, Isa::Avx2, n);
}
