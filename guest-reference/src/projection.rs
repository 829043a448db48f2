//! Products of ternary matrices with one vector, which is quantized once for all of them.

use alloc::vec::Vec;

use crate::error::{Fault, Result};
use crate::fast::PackedActivations;
use crate::memory::zeroed;
use crate::ops::{BLOCK, bit_linear, grouped_product, quantize, quantize_blocks};
use crate::ternary::{Scales, TernaryMatrix};

/// A quantized vector.
pub struct QuantizedInput {
    /// Whether its matrices are grouped, and it is quantized in blocks.
    is_grouped: bool,
    packed: PackedActivations,
    /// What undoes the quantization for matrices with one scale.
    scale: f32,
    /// What undoes it, block by block, for grouped matrices: `[n / 32]`.
    block_scales: Vec<f32>,
    n_blocks: usize,
}

impl QuantizedInput {
    /// Room for vectors of up to `n` elements that grouped matrices multiply, or all others.
    pub fn new(n: usize, is_grouped: bool) -> Result<Self> {
        Ok(Self {
            is_grouped,
            packed: PackedActivations::with_capacity(n)?,
            scale: 0.0,
            block_scales: zeroed("activation scales", n / BLOCK)?,
            n_blocks: 0,
        })
    }

    /// Quantizes x to `q` as the matrices require: in blocks for grouped ones, otherwise as a whole.
    pub fn quantize(&mut self, x: &[f32], q: &mut [i8]) -> Result<(), Fault> {
        if self.is_grouped {
            self.n_blocks = x.len() / BLOCK;
            quantize_blocks(x, q, &mut self.block_scales[..self.n_blocks])?;
        } else {
            self.scale = quantize(x, q)?;
        }
        self.packed.pack(q);
        Ok(())
    }

    /// The product of a matrix with the vector, `[n_rows]`.
    pub fn multiply(&self, matrix: TernaryMatrix<'_>, y: &mut [f32]) {
        let codes = matrix.codes;
        match matrix.scales {
            Scales::One(scale) => bit_linear(codes, scale, &self.packed, self.scale, y),
            Scales::OfGroups(scales) => {
                let block_scales = &self.block_scales[..self.n_blocks];
                grouped_product(codes, scales, &self.packed, block_scales, y);
            }
        }
    }
}
