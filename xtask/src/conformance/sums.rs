//! Integer sums of ternary projections, from the text of `NUMERICS.md`: quantized activations times weights.

use half::f16;

use super::{
    case::SumsFact,
    weights::{Scales, Ternary},
};

/// Rows whose sums a case has, of types that have a sum for each block of 32.
const ROWS_OF_BLOCKS: usize = 16;

/// Activations, quantized.
#[derive(Debug, Clone, PartialEq)]
struct Quantized {
    values: Vec<i8>,
    /// `[1]`, or one for each block of 32.
    scales: Vec<f32>,
}

impl SumsFact {
    /// The sums of `tensor` for these activations.
    pub(super) fn of(name: &str, tensor: &str, projection: &Ternary, input: &[f32]) -> Self {
        let quantized = match projection.scales {
            Scales::One(_) => whole(input),
            Scales::Groups(_) => in_blocks(input),
        };
        let n_rows = projection.weights.len() / projection.n_cols;
        let sums = match projection.scales {
            Scales::One(_) => (0..n_rows)
                .map(|row| dot(projection.row(row), &quantized.values))
                .collect(),
            Scales::Groups(_) => (0..n_rows.min(ROWS_OF_BLOCKS))
                .flat_map(|row| block_sums(projection.row(row), &quantized.values))
                .collect(),
        };
        Self {
            name: name.to_owned(),
            tensor: tensor.to_owned(),
            // Only what comes before all attention is the same for engines with other float sums.
            in_run: name == "attn_q",
            input: input.to_vec(),
            quantized: quantized.values,
            activation_scales: quantized.scales,
            sums,
        }
    }

    /// What the projection gives for the first rows: the sums with their scales.
    pub(super) fn outputs(&self, projection: &Ternary) -> Vec<f32> {
        match &projection.scales {
            Scales::One(scale) => {
                let scale = scale * self.activation_scales[0];
                self.sums.iter().map(|&sum| sum as f32 * scale).collect()
            }
            Scales::Groups(scales) => {
                let n_groups = projection.n_cols / 64;
                let rows = self.sums.chunks_exact(2 * n_groups);
                let scales = scales.chunks_exact(n_groups);
                rows.zip(scales)
                    .map(|(sums, d)| self.grouped_output(sums, d))
                    .collect()
            }
        }
    }

    fn grouped_output(&self, sums: &[i32], d: &[f32]) -> f32 {
        let a = &self.activation_scales;
        (0..d.len()).fold(0.0, |y, g| {
            let of_block = |b: usize| a[b] * sums[b] as f32;
            y + d[g] * (of_block(2 * g) + of_block(2 * g + 1))
        })
    }
}

fn dot(weights: &[i8], activations: &[i8]) -> i32 {
    let pairs = weights.iter().zip(activations);
    pairs.map(|(&w, &q)| i32::from(w) * i32::from(q)).sum()
}

fn block_sums(weights: &[i8], activations: &[i8]) -> Vec<i32> {
    let blocks = weights.chunks(32).zip(activations.chunks(32));
    blocks.map(|(w, q)| dot(w, q)).collect()
}

fn largest(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |m, x| x.abs().max(m))
}

fn quantize(x: &[f32], scale: f32) -> impl Iterator<Item = i8> {
    let one = move |x: &f32| (x * scale).round_ties_even().clamp(-127.0, 127.0) as i8;
    x.iter().map(one)
}

fn whole(x: &[f32]) -> Quantized {
    let m = largest(x).max(1e-5);
    Quantized {
        values: quantize(x, 127.0 / m).collect(),
        scales: vec![m / 127.0],
    }
}

fn in_blocks(x: &[f32]) -> Quantized {
    let (mut values, mut scales) = (Vec::new(), Vec::new());
    for block in x.chunks(32) {
        let m = largest(block);
        let scale = f16::from_f32(m / 127.0).to_f32();
        let factor = if scale == 0.0 { 0.0 } else { 127.0 / m };
        values.extend(quantize(block, factor));
        scales.push(scale);
    }
    Quantized { values, scales }
}
