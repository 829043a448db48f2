//! Memory layouts of ternary rows.
//!
//! A GEMV reads every byte once, so the bytes are ordered for its kernel: groups of four rows are
//! interleaved. One memory stream then feeds four rows, which share each load of the activations.

use crate::model::BLOCK_LEN;

/// Memory layout of the rows of a ternary matrix. Fields hold codes, which are weights plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLayout {
    /// One row after another, in I2_S blocks of 128 weights in 32 bytes. Byte k holds the weights
    /// k, k + 32, k + 64 and k + 96, from the highest bits down.
    Rows,
    /// Four rows interleaved, in blocks of 128 weights in 32 bytes as in [`RowLayout::Rows`].
    Groups128,
    /// Four rows interleaved, in blocks of 256 weights in 64 bytes. Byte k holds the weights k, k +
    /// 64, k + 128 and k + 192, from the highest bits down.
    Groups256,
    /// Four rows interleaved, 384 weights of each in five lines of 64 bytes together. Three weights
    /// make a field of five bits: field k of a row, k in 0..64, is `9·code(k) + 3·code(k + 64) +
    /// code(k + 128)`, and field k + 64 is the same for the weights 192 further on. Byte k of the
    /// first line holds the highest bits: of row r, bit 2r belongs to field k and bit 2r + 1 to
    /// field k + 64. Byte k of line r + 1 holds the other four bits of row r: bits 3:0 of field k,
    /// bits 7:4 of field k + 64.
    Triples384,
}

impl RowLayout {
    /// Number of rows that are interleaved.
    pub const fn group_rows(self) -> usize {
        match self {
            Self::Rows => 1,
            Self::Groups128 | Self::Groups256 | Self::Triples384 => 4,
        }
    }

    /// Weights of a block of one row.
    pub const fn block_len(self) -> usize {
        match self {
            Self::Rows | Self::Groups128 => BLOCK_LEN,
            Self::Groups256 => 256,
            Self::Triples384 => 384,
        }
    }

    /// Bytes of a block of one row, including its part of lines that rows share.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::Rows | Self::Groups128 => 32,
            Self::Groups256 => 64,
            Self::Triples384 => 80,
        }
    }

    /// Bytes of a row of `n_cols` weights, padded to whole blocks.
    pub const fn row_bytes(self, n_cols: usize) -> usize {
        n_cols.div_ceil(self.block_len()) * self.block_bytes()
    }

    /// Bytes of `n_rows` rows of `n_cols` weights, padded to whole groups and blocks.
    pub const fn bytes(self, n_rows: usize, n_cols: usize) -> usize {
        n_rows.next_multiple_of(self.group_rows()) * self.row_bytes(n_cols)
    }
}

/// Rows that kernels compute together. Work is divided in multiples of it.
pub(crate) const ROW_UNIT: usize = 4;
