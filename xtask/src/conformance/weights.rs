//! The weights of a projection, from a file: `NUMERICS.md`, section 4, as plainly as it can be written.

use engine_native::I2sLayout;
use half::{bf16, f16};

use crate::make_model::{GroupedType, WeightType};

/// A projection's weights in {-1, 0, +1}, and their scales.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ternary {
    /// `[n_rows][n_cols]`
    pub weights: Vec<i8>,
    /// One for the tensor, or `[n_rows][n_cols / 64]`.
    pub scales: Scales,
    pub n_cols: usize,
}

/// The scales of a projection.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scales {
    /// One for the tensor.
    One(f32),
    /// One for every 64 weights of a row.
    Groups(Vec<f32>),
}

impl Ternary {
    /// Reads a projection. `bytes` begin with its first one.
    pub fn read(weights: WeightType, layout: I2sLayout, dims: [usize; 2], bytes: &[u8]) -> Self {
        let [n_cols, n_rows] = dims;
        let n = n_cols * n_rows;
        let of_type = weights.layout();
        let packed = &bytes[..of_type.n_bytes(n as u64) as usize];
        let blocks = packed.chunks_exact(of_type.block_bytes as usize);
        let (weights, scales) = match weights {
            WeightType::I2S => i2_s(packed, layout, n_cols),
            WeightType::Tq1_0 => tensor_scale(blocks.map(tq1_0)),
            WeightType::Tq2_0 => tensor_scale(blocks.map(tq2_0)),
            WeightType::F32 | WeightType::F16 | WeightType::Bf16 => {
                elements(blocks.map(|element| float(weights, element)))
            }
            WeightType::Grouped(GroupedType::Ptq1_0) => group_scales(blocks.map(ptq1_0)),
            WeightType::Grouped(_) => group_scales(blocks.map(q2_0)),
        };
        Self {
            weights,
            scales,
            n_cols,
        }
    }

    /// The weights of a row.
    pub fn row(&self, row: usize) -> &[i8] {
        &self.weights[row * self.n_cols..][..self.n_cols]
    }

    /// A row, dequantized.
    pub fn values(&self, row: usize) -> Vec<f32> {
        let scale = |column: usize| match &self.scales {
            Scales::One(scale) => *scale,
            Scales::Groups(scales) => scales[(row * self.n_cols + column) / 64],
        };
        let weights = self.row(row).iter().enumerate();
        weights.map(|(i, &w)| f32::from(w) * scale(i)).collect()
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn weight(code: u8) -> i8 {
    code.cast_signed() - 1
}

fn i2_s(packed: &[u8], layout: I2sLayout, n_cols: usize) -> (Vec<i8>, Scales) {
    let (codes, trailer) = packed.split_at(packed.len() - 32);
    let stride = match layout {
        I2sLayout::Block128 => 32,
        I2sLayout::Block64 => 16,
        I2sLayout::Row4 => n_cols,
    };
    let blocks = codes.chunks_exact(stride);
    let weights = blocks.flat_map(|block| {
        (0..4 * stride).map(move |w| weight(block[w % stride] >> (6 - w / stride * 2) & 3))
    });
    let scale = f32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
    (weights.collect(), Scales::One(scale))
}

fn tq2_0(block: &[u8]) -> (Vec<i8>, f32) {
    let one = |w: usize| weight(block[w / 128 * 32 + w % 32] >> (w % 128 / 32 * 2) & 3);
    ((0..256).map(one).collect(), half_at(block, 64))
}

/// Trit n of a byte.
fn trit(byte: u8, n: usize) -> i8 {
    let moved = byte.wrapping_mul(3u8.pow(n as u32));
    weight(((u16::from(moved) * 3) >> 8) as u8)
}

fn tq1_0(block: &[u8]) -> (Vec<i8>, f32) {
    let one = |w: usize| match w {
        0..160 => trit(block[w % 32], w / 32),
        160..240 => trit(block[32 + (w - 160) % 16], (w - 160) / 16),
        _ => trit(block[48 + w % 4], (w - 240) / 4),
    };
    ((0..256).map(one).collect(), half_at(block, 52))
}

fn ptq1_0(block: &[u8]) -> (Vec<i8>, f32) {
    let one = |w: usize| match w {
        0..80 => trit(block[w % 16], w / 16),
        80..120 => trit(block[16 + (w - 80) % 8], (w - 80) / 8),
        _ => trit(block[24 + w % 2], (w - 120) / 2),
    };
    ((0..128).map(one).collect(), half_at(block, 26))
}

fn q2_0(block: &[u8]) -> (Vec<i8>, f32) {
    let codes = &block[2..];
    let one = |w: usize| weight(codes[w / 4] >> (2 * (w % 4)) & 3);
    ((0..4 * codes.len()).map(one).collect(), half_at(block, 0))
}

fn float(weights: WeightType, element: &[u8]) -> f32 {
    match (weights, element) {
        (WeightType::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (WeightType::Bf16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f32(),
        (_, element) => half_at(element, 0),
    }
}

/// All blocks with a `d` above 0 have the same.
fn tensor_scale(blocks: impl Iterator<Item = (Vec<i8>, f32)>) -> (Vec<i8>, Scales) {
    let (mut weights, mut scale) = (Vec::new(), 1.0);
    for (block, d) in blocks {
        if d > 0.0 {
            scale = d;
        }
        weights.extend(block);
    }
    (weights, Scales::One(scale))
}

fn elements(values: impl Iterator<Item = f32>) -> (Vec<i8>, Scales) {
    let (mut weights, mut scale) = (Vec::new(), 1.0);
    for value in values {
        if value != 0.0 {
            scale = value.abs();
        }
        weights.push(i8::from(value > 0.0) - i8::from(value < 0.0));
    }
    (weights, Scales::One(scale))
}

fn group_scales(blocks: impl Iterator<Item = (Vec<i8>, f32)>) -> (Vec<i8>, Scales) {
    let (mut weights, mut scales) = (Vec::new(), Vec::new());
    for (block, d) in blocks {
        scales.extend(std::iter::repeat_n(d, block.len() / 64));
        weights.extend(block);
    }
    (weights, Scales::Groups(scales))
}
