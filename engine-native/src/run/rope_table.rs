//! The RoPE angles of every position of a session, computed once.

use crate::{
    model::{Model, ModelShape, RopePairs, RopeScaling, Yarn},
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
        Self::of_shape(model.shape(), model.rope_factors(), n_positions)
    }

    fn of_shape(shape: &ModelShape, factors: Option<&[f32]>, n_positions: usize) -> Self {
        let inv_freq = inverse_frequencies(shape, factors);
        let thetas = (0..n_positions).flat_map(|p| inv_freq.iter().map(move |f| p as f64 * f));
        let (cos, sin) = match shape.rope_scaling {
            RopeScaling::None | RopeScaling::Linear { .. } => thetas
                .map(|theta| (libm::cos(theta) as f32, libm::sin(theta) as f32))
                .unzip(),
            RopeScaling::Yarn(yarn) => {
                let mu = magnitude(yarn);
                let scaled = |x: f64| (x * mu) as f32;
                thetas
                    .map(|theta| (scaled(libm::cos(theta)), scaled(libm::sin(theta))))
                    .unzip()
            }
        };
        Self {
            half: inv_freq.len(),
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

/// Turns per position and pair, times 2π, `[rope_dim / 2]`.
fn inverse_frequencies(shape: &ModelShape, factors: Option<&[f32]>) -> Vec<f64> {
    let base = f64::from(shape.rope_base);
    let unscaled = |j: usize| {
        let inverse = libm::pow(base, -((2 * j) as f64) / shape.rope_dim as f64);
        inverse / factors.map_or(1.0, |f| f64::from(f[j]))
    };
    let all = (0..(shape.rope_dim / 2) as usize).map(unscaled);
    match shape.rope_scaling {
        RopeScaling::None => all.collect(),
        RopeScaling::Linear { factor } => all.map(|inverse| inverse / f64::from(factor)).collect(),
        RopeScaling::Yarn(yarn) => {
            let ramp = ramp(shape, yarn);
            let factor = f64::from(yarn.factor);
            all.enumerate()
                .map(|(j, inverse)| {
                    let ramp = ramp(j);
                    inverse / factor * ramp + inverse * (1.0 - ramp)
                })
                .collect()
        }
    }
}

/// How much of the frequency of pair j YaRN divides: 0 for those with many turns in the original
/// context, 1 for those with few.
fn ramp(shape: &ModelShape, yarn: Yarn) -> impl Fn(usize) -> f64 {
    let (dim, base) = (shape.rope_dim as f64, f64::from(shape.rope_base));
    let original = yarn.original_context_length as f64;
    // The pair that makes `beta` turns in the original context.
    let pair = |beta: f32| {
        let turn = f64::from(beta) * std::f64::consts::TAU;
        (dim * libm::log(original / turn)) / (2.0 * libm::log(base))
    };
    let low = libm::floor(pair(yarn.beta_fast)).max(0.0);
    let mut high = libm::ceil(pair(yarn.beta_slow)).min(dim - 1.0);
    if high == low {
        high += 0.001;
    }
    move |j| ((j as f64 - low) / (high - low)).clamp(0.0, 1.0)
}

/// What cosines and sines are multiplied by with YaRN: attention has to be sharper over a longer
/// context.
fn magnitude(yarn: Yarn) -> f64 {
    match yarn.factor > 1.0 {
        true => 0.1 * libm::log(f64::from(yarn.factor)) + 1.0,
        false => 1.0,
    }
}
