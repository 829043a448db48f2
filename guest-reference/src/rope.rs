//! Rotary position embedding: pairs of a head's elements turn by angles that grow with the
//! position.

use alloc::vec::Vec;

use crate::error::Result;
use crate::memory::zeroed;
use crate::model::{Hyperparameters, RopeScaling, RotaryPairs, Yarn};

/// A turn: cosine and sine of an angle, times the model's factor for both.
pub type Turn = (f32, f32);

/// How fast each pair turns, and which two elements form it.
pub struct Rotation {
    base: f64,
    scaling: RopeScaling,
    pairs: RotaryPairs,
    /// `[rope_dim / 2]`, radians per position.
    inverse_frequencies: Vec<f64>,
}

impl Rotation {
    /// The rotation of a model without frequency factors.
    pub fn new(hp: &Hyperparameters) -> Result<Self> {
        let mut rotation = Self {
            base: f64::from(hp.rope_base),
            scaling: hp.rope_scaling,
            pairs: hp.architecture.pairs,
            inverse_frequencies: zeroed("rotary frequencies", hp.rope_dim / 2)?,
        };
        rotation.set_factors(|_| 1.0);
        Ok(rotation)
    }

    /// Divides the frequency of pair j by `factor(j)`, which is finite and > 0.
    pub fn set_factors(&mut self, factor: impl Fn(usize) -> f32) {
        let rope_dim = (2 * self.inverse_frequencies.len()) as f64;
        for (j, inverse) in self.inverse_frequencies.iter_mut().enumerate() {
            let exponent = -((2 * j) as f64) / rope_dim;
            let unscaled = libm::pow(self.base, exponent) / f64::from(factor(j));
            *inverse = match self.scaling {
                RopeScaling::None => unscaled,
                RopeScaling::Linear(scale) => unscaled / f64::from(scale),
                RopeScaling::Yarn(yarn) => {
                    let ramp = ramp(&yarn, rope_dim, self.base, j as f64);
                    (unscaled / f64::from(yarn.factor)) * ramp + unscaled * (1.0 - ramp)
                }
            };
        }
    }

    /// The turn of every pair at `position`: angles in f64, each result rounded once to f32.
    pub fn turns(&self, position: usize, turns: &mut [Turn]) {
        let magnitude = magnitude(self.scaling);
        for (turn, inverse) in turns.iter_mut().zip(&self.inverse_frequencies) {
            let theta = position as f64 * inverse;
            let (cos, sin) = (libm::cos(theta), libm::sin(theta));
            *turn = ((cos * magnitude) as f32, (sin * magnitude) as f32);
        }
    }

    /// Turns each head of `x`, `[n, head_dim]`; elements past the rotary ones stay.
    pub fn rotate(&self, turns: &[Turn], head_dim: usize, x: &[f32], y: &mut [f32]) {
        y.copy_from_slice(x);
        for head in y.chunks_exact_mut(head_dim) {
            for (j, turn) in turns.iter().enumerate() {
                let (a, b) = match self.pairs {
                    RotaryPairs::Halves => (j, j + turns.len()),
                    RotaryPairs::Neighbours => (2 * j, 2 * j + 1),
                };
                (head[a], head[b]) = turned(*turn, (head[a], head[b]));
            }
        }
    }
}

fn turned((cos, sin): Turn, (x0, x1): (f32, f32)) -> (f32, f32) {
    (x0 * cos - x1 * sin, x0 * sin + x1 * cos)
}

/// YaRN: how much of pair j's frequency is divided by the factor, from 0 for fast pairs to 1 for
/// slow ones.
fn ramp(yarn: &Yarn, rope_dim: f64, base: f64, j: f64) -> f64 {
    // The pair, not necessarily a whole one, that turns so often over the original context.
    let pair_that_turns = |times: f32| {
        let positions_per_radian =
            yarn.original_context as f64 / (f64::from(times) * core::f64::consts::TAU);
        (rope_dim * libm::log(positions_per_radian)) / (2.0 * libm::log(base))
    };
    let low = libm::floor(pair_that_turns(yarn.beta_fast)).max(0.0);
    let mut high = libm::ceil(pair_that_turns(yarn.beta_slow)).min(rope_dim - 1.0);
    if high == low {
        high += 0.001;
    }
    ((j - low) / (high - low)).clamp(0.0, 1.0)
}

/// What cosines and sines are multiplied by. With YaRN, attention over a longer context has to be
/// sharper, so scores grow.
fn magnitude(scaling: RopeScaling) -> f64 {
    match scaling {
        RopeScaling::Yarn(yarn) if yarn.factor > 1.0 => {
            0.1 * libm::log(f64::from(yarn.factor)) + 1.0
        }
        _ => 1.0,
    }
}
