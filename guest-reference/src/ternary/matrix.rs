//! A ternary matrix in memory: packed rows, and one scale or one for every group.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::codes::check_codes_of_rows;
use super::decode::{I2sLayout, TernaryType};
use super::grouped::{GROUP_WEIGHTS, GroupedType};
use super::packed::{BLOCK_WEIGHTS, pack_row, packed_row_bytes};
use super::scale::OneScale;
use crate::error::Result;
use crate::memory::{product, zeroed};

/// Packed rows and their scales.
#[derive(Clone, Copy)]
pub struct TernaryMatrix<'a> {
    /// `[n_rows, n_cols / 128 rounded up, 32]` bytes.
    pub codes: &'a [u8],
    /// What the weights are multiplied by.
    pub scales: Scales<'a>,
}

/// Scales of a ternary matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scales<'a> {
    /// One for the whole matrix, finite and > 0.
    One(f32),
    /// `[n_rows, n_cols / 64]`, finite and >= 0.
    OfGroups(&'a [f32]),
}

/// A matrix that is filled range by range.
pub struct PackedMatrix {
    /// The row of the tensor that is row 0 here.
    first_row: usize,
    /// Packed rows.
    codes: Vec<u8>,
    row_bytes: usize,
    n_cols: usize,
    /// The weights decoded at a time: up to four rows, padded to whole blocks.
    weights: Vec<i8>,
    scale: OneScale,
    /// `[n_rows, n_cols / 64]` where every group has a scale.
    group_scales: Option<Vec<f32>>,
}

impl PackedMatrix {
    /// Room for `n_rows` rows of `n_cols` weights with one scale.
    pub fn new(n_rows: usize, n_cols: usize) -> Result<Self> {
        let row_bytes = packed_row_bytes(n_cols);
        let four_rows = 4 * n_cols.next_multiple_of(BLOCK_WEIGHTS);
        Ok(Self {
            first_row: 0,
            codes: zeroed("ternary rows", product("ternary rows", n_rows, row_bytes)?)?,
            row_bytes,
            n_cols,
            weights: zeroed("decoded rows", four_rows)?,
            scale: OneScale::default(),
            group_scales: None,
        })
    }

    /// Room for `n_rows` rows of `n_cols` weights, a multiple of 64, with a scale for every group.
    pub fn grouped(n_rows: usize, n_cols: usize) -> Result<Self> {
        let n_scales = product("scales of groups", n_rows, n_cols / GROUP_WEIGHTS)?;
        Ok(Self {
            group_scales: Some(zeroed("scales of groups", n_scales)?),
            ..Self::new(n_rows, n_cols)?
        })
    }

    /// Bytes that a row with a scale for every group takes in memory.
    pub fn grouped_row_bytes(n_cols: usize) -> usize {
        packed_row_bytes(n_cols) + n_cols / GROUP_WEIGHTS * size_of::<f32>()
    }

    /// Forgets the scale of the previous tensor. Row 0 will be row `first_row` of the next one.
    pub fn start(&mut self, first_row: usize) {
        self.first_row = first_row;
        self.scale = OneScale::default();
    }

    /// Validates and packs rows, starting with `row`; an error says which row of the tensor and why.
    pub fn load_rows(
        &mut self,
        ternary_type: TernaryType,
        layout: I2sLayout,
        row: usize,
        bytes: &[u8],
    ) -> Result<(), String> {
        let first_row = self.first_row + row;
        let codes = &mut self.codes[row * self.row_bytes..];
        if ternary_type == TernaryType::I2s && layout == I2sLayout::Block128 {
            check_codes_of_rows(first_row, self.row_bytes, bytes)?;
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

    /// The same for rows with a scale for every group.
    pub fn load_grouped_rows(
        &mut self,
        grouped_type: GroupedType,
        row: usize,
        bytes: &[u8],
    ) -> Result<(), String> {
        let n_groups = self.n_cols / GROUP_WEIGHTS;
        let width = self.n_cols.next_multiple_of(BLOCK_WEIGHTS);
        let weights = &mut self.weights[..width];
        let codes = self.codes[row * self.row_bytes..].chunks_exact_mut(self.row_bytes);
        let scales = self.group_scales.as_deref_mut().unwrap_or_default();
        let scales = scales[row * n_groups..].chunks_exact_mut(n_groups);
        let rows = bytes.chunks_exact(grouped_type.row_bytes(self.n_cols as u64) as usize);
        for (i, ((bytes, codes), scales)) in rows.zip(codes).zip(scales).enumerate() {
            grouped_type
                .decode(bytes, &mut weights[..self.n_cols], scales)
                .map_err(|why| format!("row {}: {why}", self.first_row + row + i))?;
            pack_row(weights, codes);
        }
        Ok(())
    }

    /// Takes the scale that follows the codes of an I2_S tensor.
    pub fn load_scale(&mut self, trailer: &[u8]) -> Result<(), String> {
        self.scale.see_trailer(trailer)
    }

    /// Weights and scales.
    pub fn matrix(&self) -> TernaryMatrix<'_> {
        TernaryMatrix {
            codes: &self.codes,
            scales: match &self.group_scales {
                None => Scales::One(self.scale.value()),
                Some(scales) => Scales::OfGroups(scales),
            },
        }
    }
}
