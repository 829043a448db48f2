//! RMSNorm and element-wise operations.

use engine_native::{Kernels, Recorder};

use crate::{
    compare::{Mismatch, Output, compare, computed},
    inputs::{LENGTHS, Regime, SHIFTS, floats, random},
    shifted,
};

/// Lengths beyond [`LENGTHS`]: tile edges, and rows of real models.
const LONG: [usize; 6] = [127, 128, 129, 640, 2560, 6912];

/// All combinations of length and shift.
fn shapes() -> impl Iterator<Item = (usize, usize)> {
    let lengths = LENGTHS.chain(LONG);
    lengths.flat_map(|n| SHIFTS.map(move |shift| (n, shift)))
}

fn rms_norm(
    x: &[f32],
    weight: &[f32],
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let (x, weight) = (
            shifted::floats(x, shift),
            shifted::floats(weight, shift + 3),
        );
        let mut out = shifted::output(x.len(), shift + 5);
        kernels
            .rms_norm(&x, &weight, 1e-5, &mut out, recorder)
            .map_err(computed)?;
        Ok(out.bits())
    }
}

/// A kernel that combines gate and up.
type Activation = fn(&dyn Kernels, &[f32], &[f32], &mut [f32], &mut Recorder);

const SQUARED_RELU: Activation = |kernels, gate, up, out, recorder| {
    kernels.squared_relu_mul(gate, up, out, recorder);
};
const SILU: Activation = |kernels, gate, up, out, recorder| {
    kernels.silu_mul(gate, up, out, recorder);
};

fn activation(
    kernel: Activation,
    (gate, up): (&[f32], &[f32]),
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let (gate, up) = (shifted::floats(gate, shift), shifted::floats(up, shift + 3));
        let mut out = shifted::output(gate.len(), shift + 5);
        kernel(kernels, &gate, &up, &mut out, recorder);
        Ok(out.bits())
    }
}

fn residual_add(
    x: &[f32],
    y: &[f32],
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let mut x = shifted::floats_mut(x, shift);
        kernels.residual_add(&mut x, &shifted::floats(y, shift + 3), recorder);
        Ok(x.bits())
    }
}

pub fn rms_norm_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (n, shift) in shapes() {
        let x = floats(Regime::Uneven, n, 1);
        let weight = floats(Regime::Ordinary, n, 2);
        let what = format!("rms_norm of {n} at {shift}");
        compare(candidate, &what, rms_norm(&x, &weight, shift))?;
        let zeros = vec![0.0; n];
        compare(candidate, &what, rms_norm(&zeros, &weight, shift))?;
        // Finite elements whose sum of squares overflows f32.
        let mut overflowing = x;
        overflowing[n - 1] = 2e19;
        compare(candidate, &what, rms_norm(&overflowing, &weight, shift))?;
    }
    Ok(())
}

pub fn rms_norm_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (700, 1), |candidate, draw| {
        let (x, weight) = (draw.floats(draw.n, 0), draw.floats(draw.n, 1));
        compare(candidate, "rms_norm", rms_norm(&x, &weight, draw.shift))
    })
}

pub fn squared_relu_mul_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    activation_of_every_length(candidate, "squared_relu_mul", SQUARED_RELU)
}

pub fn silu_mul_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    activation_of_every_length(candidate, "silu_mul", SILU)
}

fn activation_of_every_length(
    candidate: &dyn Kernels,
    name: &str,
    kernel: Activation,
) -> Result<(), Mismatch> {
    for (n, shift) in shapes() {
        let gate = floats(Regime::Special, n, 3);
        let up = floats(Regime::Ordinary, n, 4);
        let what = format!("{name} of {n} at {shift}");
        compare(candidate, what, activation(kernel, (&gate, &up), shift))?;
    }
    Ok(())
}

pub fn squared_relu_mul_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    activation_of_random_input(candidate, "squared_relu_mul", SQUARED_RELU)
}

pub fn silu_mul_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    activation_of_random_input(candidate, "silu_mul", SILU)
}

fn activation_of_random_input(
    candidate: &dyn Kernels,
    name: &'static str,
    kernel: Activation,
) -> Result<(), Mismatch> {
    random(candidate, (200, 1), |candidate, draw| {
        let (gate, up) = (draw.floats(draw.n, 0), draw.floats(draw.n, 1));
        let case = activation(kernel, (&gate, &up), draw.shift);
        compare(candidate, name, case)
    })
}

pub fn residual_add_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (n, shift) in shapes() {
        let x = floats(Regime::Special, n, 5);
        let y = floats(Regime::Uneven, n, 6);
        let what = format!("residual_add of {n} at {shift}");
        compare(candidate, what, residual_add(&x, &y, shift))?;
    }
    Ok(())
}

pub fn residual_add_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (200, 1), |candidate, draw| {
        let (x, y) = (draw.floats(draw.n, 0), draw.floats(draw.n, 1));
        compare(candidate, "residual_add", residual_add(&x, &y, draw.shift))
    })
}
