//! The weights of a projection, from a file, as integers and scales.

use engine_native::{DenseType, GroupedType, I2sLayout};
use host::weights::{Stored, decode_rows};

use crate::make_model::{GroupedType as Made, WeightType};

/// A projection's weights in {-1, 0, +1}, and their scales.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ternary {
    /// `[n_rows][n_cols]`
    pub weights: Vec<i8>,
    /// The weights times their scales, `[n_rows][n_cols]`.
    values: Vec<f32>,
    /// What they are multiplied by.
    pub scales: Scales,
    pub n_cols: usize,
}

/// The scales of a projection.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scales {
    /// One for the tensor.
    One(f32),
    /// One for every 64 weights of a row, `[n_rows][n_cols / 64]`.
    Groups(Vec<f32>),
}

impl Ternary {
    /// Reads a projection. `bytes` begin with its first one.
    ///
    /// # Panics
    /// The rows are no whole blocks of the type, or `bytes` end before the last of them.
    pub fn read(weights: WeightType, layout: I2sLayout, dims: [usize; 2], bytes: &[u8]) -> Self {
        let [n_cols, n_rows] = dims;
        let stored = stored(weights, layout);
        let row_bytes = stored.row_bytes(n_cols as u64).expect("whole blocks");
        let (rows, trailer) = bytes.split_at(n_rows * row_bytes as usize);
        let scale = match trailer {
            &[a, b, c, d, ..] if stored.has_trailing_scale() => f32::from_le_bytes([a, b, c, d]),
            _ => 1.0,
        };
        let mut values = Vec::with_capacity(n_rows * n_cols);
        decode_rows(stored, n_cols, rows, scale, &mut values);
        Self {
            weights: values.iter().map(sign).collect(),
            scales: match weights {
                WeightType::Grouped(_) => {
                    Scales::Groups(values.chunks(64).map(magnitude).collect())
                }
                _ => Scales::One(magnitude(&values)),
            },
            values,
            n_cols,
        }
    }

    /// The weights of a row.
    pub fn row(&self, row: usize) -> &[i8] {
        &self.weights[row * self.n_cols..][..self.n_cols]
    }

    /// A row, dequantized.
    pub fn values(&self, row: usize) -> &[f32] {
        &self.values[row * self.n_cols..][..self.n_cols]
    }
}

fn stored(weights: WeightType, layout: I2sLayout) -> Stored {
    match weights {
        WeightType::I2S => Stored::I2S(layout),
        WeightType::Tq1_0 => Stored::Tq1_0,
        WeightType::Tq2_0 => Stored::Tq2_0,
        WeightType::F32 => Stored::Dense(DenseType::F32),
        WeightType::F16 => Stored::Dense(DenseType::F16),
        WeightType::Bf16 => Stored::Dense(DenseType::Bf16),
        WeightType::Grouped(grouped) => Stored::Grouped(match grouped {
            Made::Q2_0 | Made::Q2_0Uneven => GroupedType::Q2_0,
            Made::Q2_0G128 => GroupedType::Q2_0G128,
            Made::Pq2_0 => GroupedType::Pq2_0,
            Made::Ptq1_0 => GroupedType::Ptq1_0,
        }),
    }
}

/// The weight behind a number: scales in the corpus are above 0.
fn sign(value: &f32) -> i8 {
    i8::from(*value > 0.0) - i8::from(*value < 0.0)
}

/// The scale of numbers that have the same one. If all are 0, any scale will do.
fn magnitude(values: &[f32]) -> f32 {
    let found = values.iter().find(|value| **value != 0.0);
    found.map_or(1.0, |value| value.abs())
}
