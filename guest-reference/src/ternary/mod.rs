//! Ternary weights: one packed form in memory, whatever the file holds.

mod decode;
mod packed;
mod scale;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub use decode::{I2sLayout, TernaryType};
pub use packed::{BLOCK_BYTES, BLOCK_WEIGHTS, pack_row, packed_row_bytes, weight};
pub use scale::OneScale;

use crate::error::Result;
use crate::memory::{product, zeroed};

/// Packed rows and the scale of the whole tensor.
#[derive(Clone, Copy)]
pub struct TernaryMatrix<'a> {
    /// `[n_rows, n_cols / 128 rounded up, 32]` bytes.
    pub codes: &'a [u8],
    /// Scale of the whole tensor, finite and > 0.
    pub scale: f32,
}

/// One matrix of the loaded layer, filled range by range.
pub struct PackedMatrix {
    /// Packed rows.
    codes: Vec<u8>,
    row_bytes: usize,
    n_cols: usize,
    /// The weights decoded at a time: up to four rows, padded to whole blocks.
    weights: Vec<i8>,
    scale: OneScale,
}

impl PackedMatrix {
    /// Room for `n_rows` rows of `n_cols` weights.
    pub fn new(n_rows: usize, n_cols: usize) -> Result<Self> {
        let row_bytes = packed_row_bytes(n_cols);
        let four_rows = 4 * n_cols.next_multiple_of(BLOCK_WEIGHTS);
        Ok(Self {
            codes: zeroed("layer", product("layer", n_rows, row_bytes)?)?,
            row_bytes,
            n_cols,
            weights: zeroed("decoded rows", four_rows)?,
            scale: OneScale::default(),
        })
    }

    /// Forgets the scale of the previous tensor.
    pub fn start(&mut self) {
        self.scale = OneScale::default();
    }

    /// Validates and packs rows, starting with `first_row`; an error says which row and why.
    pub fn load_rows(
        &mut self,
        ternary_type: TernaryType,
        layout: I2sLayout,
        first_row: usize,
        bytes: &[u8],
    ) -> Result<(), String> {
        let codes = &mut self.codes[first_row * self.row_bytes..];
        if ternary_type == TernaryType::I2s && layout == I2sLayout::Block128 {
            decode::check_codes_of_rows(first_row, self.row_bytes, bytes)?;
            codes[..bytes.len()].copy_from_slice(bytes);
            return Ok(());
        }
        let group = ternary_type.rows_per_group(layout);
        let group_bytes = group * ternary_type.row_bytes(self.n_cols as u64) as usize;
        let width = self.n_cols.next_multiple_of(BLOCK_WEIGHTS);
        let weights = &mut self.weights[..group * width];
        let mut rows = codes.chunks_exact_mut(self.row_bytes);
        for (i, bytes) in bytes.chunks_exact(group_bytes).enumerate() {
            ternary_type
                .decode(layout, bytes, self.n_cols, weights, &mut self.scale)
                .map_err(|why| format!("row {}: {why}", first_row + i * group))?;
            for (weights, row) in weights.chunks_exact(width).zip(&mut rows) {
                pack_row(weights, row);
            }
        }
        Ok(())
    }

    /// Takes the scale that follows the codes of an I2_S tensor.
    pub fn load_scale(&mut self, trailer: &[u8]) -> Result<(), String> {
        self.scale.see_trailer(trailer)
    }

    /// Weights and scale.
    pub fn matrix(&self) -> TernaryMatrix<'_> {
        TernaryMatrix {
            codes: &self.codes,
            scale: self.scale.value(),
        }
    }
}
