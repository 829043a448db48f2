//! The element-wise and per-row operations of a layer, one function each.

use crate::error::Fault;
use crate::fast::{self, PackedActivations, dot16};
use crate::float::{exp, is_finite, round_ties_even, sqrt};
use crate::half;
use crate::model::Activation;
use crate::ternary::{GROUP_WEIGHTS, packed_row_bytes};

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

/// [`rms_norm`] of each head: x and y are `[n_heads, weight.len()]`. A fault's index is the head.
pub fn rms_norm_heads(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) -> Result<(), Fault> {
    let heads = x.chunks_exact(weight.len());
    for (index, (x, y)) in heads.zip(y.chunks_exact_mut(weight.len())).enumerate() {
        rms_norm(x, weight, eps, y).map_err(|fault| Fault { index, ..fault })?;
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
    codes: &[u8],
    weight_scale: f32,
    x: &PackedActivations,
    activation_scale: f32,
    y: &mut [f32],
) {
    let scale = weight_scale * activation_scale;
    fast::ternary_dots(codes, x, |row, acc| y[row] = acc as f32 * scale);
}

/// Activations that share a scale before a grouped product.
pub const BLOCK: usize = 32;

/// Absmax quantization of each 32 elements of x to int8; `scales`, `[n / 32]`, are those that undo
/// it, rounded to halves.
pub fn quantize_blocks(x: &[f32], q: &mut [i8], scales: &mut [f32]) -> Result<(), Fault> {
    all_finite("element", x)?;
    let blocks = x.chunks_exact(BLOCK).zip(q.chunks_exact_mut(BLOCK));
    for (b, ((x, q), scale)) in blocks.zip(scales).enumerate() {
        let absmax = x.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
        *scale = half::round_through(absmax / 127.0).ok_or(Fault {
            quantity: "f16 scale of block",
            index: b,
            value: absmax / 127.0,
        })?;
        // Also where it is the half that is 0, and not the largest element.
        if *scale == 0.0 {
            q.fill(0);
            continue;
        }
        let inverse = 127.0 / absmax;
        for (q, x) in q.iter_mut().zip(x) {
            *q = round_ties_even(x * inverse).clamp(-127, 127) as i8;
        }
    }
    Ok(())
}

/// `y[row]` = the sum over groups g, ascending from +0, of
/// `d_g * (a_2g * (f32) acc_2g + a_2g+1 * (f32) acc_2g+1)`.
///
/// `acc_b` is the exact dot product of row and activations over block b of 32 columns;
/// `group_scales`, d, are `[n_rows, n / 64]`, `block_scales`, a, `[n / 32]`. There may be more rows
/// than `y` has.
pub fn grouped_product(
    codes: &[u8],
    group_scales: &[f32],
    x: &PackedActivations,
    block_scales: &[f32],
    y: &mut [f32],
) {
    let n_cols = BLOCK * block_scales.len();
    let rows = codes.chunks_exact(packed_row_bytes(n_cols));
    let rows = rows.zip(group_scales.chunks_exact(n_cols / GROUP_WEIGHTS));
    for (y, (row, d)) in y.iter_mut().zip(rows) {
        *y = 0.0;
        let scales = d.chunks(2).zip(block_scales.chunks(4));
        for (acc, (d, a)) in fast::dots_of_32(row, x).zip(scales) {
            for (g, d) in d.iter().enumerate() {
                let (first, second) = (2 * g, 2 * g + 1);
                *y += d * (a[first] * acc[first] as f32 + a[second] * acc[second] as f32);
            }
        }
    }
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
