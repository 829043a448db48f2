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

/// Radians per position, for each pair, `[rope_dim / 2]`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Architecture;

    fn shape(rope_base: f32, rope_dim: u64, rope_scaling: RopeScaling) -> ModelShape {
        ModelShape {
            architecture: Architecture::Qwen3,
            n_vocab: 1,
            n_embd: rope_dim,
            n_layers: 1,
            n_heads: 1,
            n_kv_heads: 1,
            head_dim: rope_dim,
            rope_dim,
            n_ff: 1,
            context_length: 1 << 16,
            rope_base,
            rope_scaling,
            rms_epsilon: 1e-6,
        }
    }

    fn yarn(factor: f32, original_context_length: u64) -> RopeScaling {
        RopeScaling::Yarn(Yarn {
            factor,
            original_context_length,
            beta_fast: 32.0,
            beta_slow: 1.0,
        })
    }

    /// The bits of cosine and sine for some pairs at a position.
    fn assert_angles(shape: &ModelShape, position: usize, expected: &[(usize, u32, u32)]) {
        let table = RopeTable::of_shape(shape, None, position + 1);
        let angles = table.at(position);
        for &(pair, cos, sin) in expected {
            let found = (angles.cos[pair].to_bits(), angles.sin[pair].to_bits());
            assert_eq!(found, (cos, sin), "{shape:?}, {position}, {pair}");
        }
    }

    /// Computed with 60 digits from the formulas of transformers' `_compute_yarn_parameters`.
    #[test]
    fn yarn_is_that_of_transformers() {
        // Bonsai 1.7B: pairs up to 17 stay, those from 34 on are divided.
        let bonsai = shape(1e6, 128, yarn(4.0, 8192));
        let at_1 = [
            (0, 0x3f1d7e04, 0x3f754797),
            (20, 0x3f91bc1d, 0x3c57d787),
            (30, 0x3f91be9a, 0x3a440664),
            (40, 0x3f91be9c, 0x385450d8),
            (63, 0x3f91be9c, 0x34bda538),
        ];
        assert_angles(&bonsai, 1, &at_1);
        let at_4097 = [
            (0, 0x3f883ce9, 0x3ecf1a21),
            (20, 0xbf8c1718, 0xbea0cf02),
            (30, 0xbf832cb3, 0x3efe13c3),
            (40, 0x3f8f556d, 0x3e533203),
            (63, 0x3f91be94, 0x3abdb10f),
        ];
        assert_angles(&bonsai, 4097, &at_4097);
        // No pair makes 32 turns in so short a context.
        let short = [
            (0, 0x3f6921ca, 0x3f4b2993),
            (1, 0xbe8c2e77, 0xbf9697c2),
            (5, 0x3f8b40c5, 0x3f066317),
            (10, 0x3f9a6e02, 0x3d735ac8),
            (31, 0x3f9a9dea, 0x3913cb17),
        ];
        assert_angles(&shape(1e4, 64, yarn(8.0, 32)), 7, &short);
        // A factor below 1 scales no cosine.
        let shrunk = [
            (0, 0x3f40ffbd, 0x3f283046),
            (10, 0x3f660b7e, 0x3ee0a2da),
            (20, 0x3f7fc4a1, 0x3d2e4f7b),
            (25, 0x3f7ffc63, 0x3c2c012c),
            (31, 0x3f7fffe3, 0x3af4b3bd),
        ];
        assert_angles(&shape(1e4, 64, yarn(0.5, 2048)), 7, &shrunk);
    }

    /// Then the ramp is a thousandth of a pair long.
    #[test]
    fn yarn_without_pairs_between_is_that_of_transformers() {
        let expected = [
            (0, 0xbf904939, 0x3e248a30),
            (1, 0x3f9155b9, 0x3daebac5),
            (2, 0x3f91bd8f, 0x3c0be9d9),
            (3, 0x3f91be99, 0x3a5fdd17),
        ];
        assert_angles(&shape(1e4, 8, yarn(4.0, 4)), 3, &expected);
    }
}
