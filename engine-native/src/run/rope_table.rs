//! The RoPE angles of every position of a session, computed once.

use crate::{
    model::{Model, RopePairs},
    operands::RopeAngles,
};

/// Cosines and sines, `[n_positions, rope_dim / 2]`.
#[derive(Debug)]
pub(crate) struct RopeTable {
    half: usize,
    pairs: RopePairs,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl RopeTable {
    /// Computes every angle in f64 with `libm`, and rounds cosine and sine once to f32.
    pub(crate) fn new(model: &Model, n_positions: usize) -> Self {
        let shape = model.shape();
        let half = (shape.rope_dim / 2) as usize;
        let base = f64::from(shape.rope_base);
        let factor = |j| model.rope_factors().map_or(1.0, |f| f64::from(f[j]));
        let inv_freq: Vec<f64> = (0..half)
            .map(|j| {
                let unscaled = libm::pow(base, -((2 * j) as f64) / shape.rope_dim as f64);
                unscaled / factor(j) / f64::from(shape.rope_scale)
            })
            .collect();
        let thetas = (0..n_positions).flat_map(|p| inv_freq.iter().map(move |f| p as f64 * f));
        let (cos, sin) = thetas
            .map(|theta| (libm::cos(theta) as f32, libm::sin(theta) as f32))
            .unzip();
        Self {
            half,
            pairs: shape.architecture.rope_pairs(),
            cos,
            sin,
        }
    }

    pub(crate) fn at(&self, position: usize) -> RopeAngles<'_> {
        let range = position * self.half..(position + 1) * self.half;
        RopeAngles {
            cos: &self.cos[range.clone()],
            sin: &self.sin[range],
            pairs: self.pairs,
        }
    }
}
