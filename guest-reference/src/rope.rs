//! Rotary position embedding: pairs of a head's elements turn by angles that grow with the
//! position.

use alloc::vec::Vec;

use crate::error::Result;
use crate::memory::zeroed;
use crate::model::{Hyperparameters, RotaryPairs};

/// A turn: cosine and sine of an angle.
pub type Turn = (f32, f32);

/// How fast each pair turns, and which two elements form it.
pub struct Rotation {
    base: f32,
    scale: f32,
    pairs: RotaryPairs,
    /// `[rope_dim / 2]`, radians per position.
    inverse_frequencies: Vec<f64>,
}

impl Rotation {
    /// The rotation of a model without frequency factors.
    pub fn new(hp: &Hyperparameters) -> Result<Self> {
        let mut rotation = Self {
            base: hp.rope_base,
            scale: hp.rope_scale,
            pairs: hp.architecture.pairs,
            inverse_frequencies: zeroed("rotary frequencies", hp.rope_dim / 2)?,
        };
        rotation.set_factors(|_| 1.0);
        Ok(rotation)
    }

    /// Divides the frequency of pair j by `factor(j)`, which is finite and > 0.
    pub fn set_factors(&mut self, factor: impl Fn(usize) -> f32) {
        let rope_dim = 2 * self.inverse_frequencies.len();
        for (j, inverse) in self.inverse_frequencies.iter_mut().enumerate() {
            let exponent = -((2 * j) as f64) / rope_dim as f64;
            let unscaled = libm::pow(f64::from(self.base), exponent);
            *inverse = unscaled / f64::from(factor(j)) / f64::from(self.scale);
        }
    }

    /// The turn of every pair at `position`: angles in f64, each result rounded once to f32.
    pub fn turns(&self, position: usize, turns: &mut [Turn]) {
        for (turn, inverse) in turns.iter_mut().zip(&self.inverse_frequencies) {
            let theta = position as f64 * inverse;
            *turn = (libm::cos(theta) as f32, libm::sin(theta) as f32);
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
