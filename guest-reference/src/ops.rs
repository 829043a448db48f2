//! The element-wise and per-row operations of a layer, one function each.

use crate::error::Fault;
use crate::fast::{self, PackedActivations, dot16};
use crate::float::{exp, is_finite, round_ties_even, sqrt};
use crate::model::Activation;
use crate::ternary::TernaryMatrix;

/// Smallest absolute maximum in activation quantization: an all-zero row needs a scale too.
pub const MIN_ABSMAX: f32 = 1e-5;

/// `y[i] = (x[i] * r) * w[i]` with `r = 1 / sqrt(dot16(x, x) / n + eps)`; all slices have length n.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) -> Result<(), Fault> {
    let sum_of_squares = finite("sum of squares", 0, dot16(x, x))?;
    let r = 1.0 / sqrt(sum_of_squares / x.len() as f32 + eps);
    for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
        *y = (x * r) * w;
    }
    Ok(())
}

/// Per-token absmax quantization of x to int8; returns the scale that undoes it.
pub fn quantize(x: &[f32], q: &mut [i8]) -> Result<f32, Fault> {
    let mut absmax = MIN_ABSMAX;
    for (i, &value) in x.iter().enumerate() {
        let magnitude = finite("element", i, value)?.abs();
        if magnitude > absmax {
            absmax = magnitude;
        }
    }
    let scale = 127.0 / absmax;
    for (q, x) in q.iter_mut().zip(x) {
        *q = round_ties_even(x * scale).clamp(-127, 127) as i8;
    }
    Ok(absmax / 127.0)
}

/// `y[row] = (f32) acc * (ws * sa)`, where acc is the exact dot product of row and activations.
pub fn bit_linear(
    matrix: TernaryMatrix<'_>,
    x: &PackedActivations,
    activation_scale: f32,
    y: &mut [f32],
) {
    let scale = matrix.scale * activation_scale;
    fast::ternary_dots(matrix.codes, x, |row, acc| y[row] = acc as f32 * scale);
}

/// The activation of `gate`, times `up`; all slices have the same length.
pub fn activate(activation: Activation, gate: &[f32], up: &[f32], y: &mut [f32]) {
    match activation {
        Activation::SquaredRelu => squared_relu_gate(gate, up, y),
        Activation::Silu => silu_gate(gate, up, y),
    }
}

/// `y[i] = relu(gate[i])^2 * up[i]`; a gate that is not greater than zero counts as +0.
pub fn squared_relu_gate(gate: &[f32], up: &[f32], y: &mut [f32]) {
    for ((y, &g), up) in y.iter_mut().zip(gate).zip(up) {
        let r = if g > 0.0 { g } else { 0.0 };
        *y = (r * r) * up;
    }
}

/// `y[i] = (gate[i] / (1 + exp(-gate[i]))) * up[i]`.
pub fn silu_gate(gate: &[f32], up: &[f32], y: &mut [f32]) {
    for ((y, &g), up) in y.iter_mut().zip(gate).zip(up) {
        *y = (g / (1.0 + exp(-g))) * up;
    }
}

/// `y[i] = residual[i] + branch[i]`.
pub fn add(residual: &[f32], branch: &[f32], y: &mut [f32]) {
    for ((y, a), b) in y.iter_mut().zip(residual).zip(branch) {
        *y = a + b;
    }
}

/// The value, or the fault that names it.
pub fn finite(quantity: &'static str, index: usize, value: f32) -> Result<f32, Fault> {
    if is_finite(value) {
        return Ok(value);
    }
    Err(Fault {
        quantity,
        index,
        value,
    })
}

/// Checks a whole slice; the fault's index is the element's.
pub fn all_finite(quantity: &'static str, values: &[f32]) -> Result<(), Fault> {
    for (i, &value) in values.iter().enumerate() {
        finite(quantity, i, value)?;
    }
    Ok(())
}
