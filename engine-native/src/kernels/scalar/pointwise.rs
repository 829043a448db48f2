//! Norms and element-wise operations.

use super::float::{dot16, exp};
use crate::{
    kernels::finite::{NonFinite, check_finite_scalar},
    ledger::{Isa, KernelName, Recorder},
};

pub fn rms_norm(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    out: &mut [f32],
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    assert!(x.len() == weight.len() && x.len() == out.len());
    let sum_of_squares = dot16(x, x);
    check_finite_scalar(sum_of_squares)?;
    let r = 1.0 / (sum_of_squares / x.len() as f32 + epsilon).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = (x * r) * weight;
    }
    recorder.record(KernelName::RmsNorm, Isa::Scalar, x.len());
    Ok(())
}

pub fn squared_relu_mul(gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
    assert!(gate.len() == up.len() && gate.len() == out.len());
    for ((out, &gate), up) in out.iter_mut().zip(gate).zip(up) {
        let r = if gate > 0.0 { gate } else { 0.0 };
        *out = (r * r) * up;
    }
    recorder.record(KernelName::SquaredReluMul, Isa::Scalar, out.len());
}

pub fn silu_mul(gate: &[f32], up: &[f32], out: &mut [f32], recorder: &mut Recorder) {
    assert!(gate.len() == up.len() && gate.len() == out.len());
    for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
        *out = silu(gate) * up;
    }
    recorder.record(KernelName::SiluMul, Isa::Scalar, out.len());
}

/// `x / (1 + exp(-x))`.
pub fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

pub fn residual_add(x: &mut [f32], y: &[f32], recorder: &mut Recorder) {
    assert_eq!(x.len(), y.len());
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
    recorder.record(KernelName::ResidualAdd, Isa::Scalar, x.len());
}
