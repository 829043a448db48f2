//! How the rows of a ternary matrix lie in memory.
//!
//! A GEMV reads every byte once, so the order of the bytes is chosen for the kernel: groups of four
//! rows lie interleaved. One stream feeds four rows, which share every load of the activations.

use crate::model::BLOCK_LEN;

/// Arrangement of the rows of a ternary matrix. Fields hold codes: weights plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLayout {
    /// One row after another, in blocks of 128 weights in 32 bytes, as I2_S has them: bits 7 and 6
    /// of byte k hold weight k, then follow weights k + 32, k + 64 and k + 96.
    Rows,
    /// Four rows in turn, 128 weights in 32 bytes of each, as in [`RowLayout::Rows`].
    Groups128,
    /// Four rows in turn, 256 weights in 64 bytes of each: bits 7 and 6 of byte k hold weight k, then
    /// follow weights k + 64, k + 128 and k + 192.
    Groups256,
    /// Four rows together, 384 weights of each in 320 bytes: five lines of 64. Field k of a row, five
    /// bits, holds `9·code(k) + 3·code(k + 64) + code(k + 128)`, and field k + 64 the same of the
    /// weights 192 further. The highest bits are in the first line: those of row r in bits 2r (field
    /// k) and 2r + 1 (field k + 64) of byte k. The others are in line r + 1, in bits 3:0 and 7:4.
    Triples384,
}

impl RowLayout {
    /// Rows that lie interleaved.
    pub const fn group_rows(self) -> usize {
        match self {
            Self::Rows => 1,
            Self::Groups128 | Self::Groups256 | Self::Triples384 => 4,
        }
    }

    /// Weights of one row that lie together.
    pub const fn block_len(self) -> usize {
        match self {
            Self::Rows | Self::Groups128 => BLOCK_LEN,
            Self::Groups256 => 256,
            Self::Triples384 => 384,
        }
    }

    /// Bytes of [`RowLayout::block_len`] weights of one row, its part of what rows share counted.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::Rows | Self::Groups128 => 32,
            Self::Groups256 => 64,
            Self::Triples384 => 80,
        }
    }

    /// Bytes of one row of `n_cols` weights, wherever they lie, its last block filled up.
    pub const fn row_bytes(self, n_cols: usize) -> usize {
        n_cols.div_ceil(self.block_len()) * self.block_bytes()
    }

    /// Bytes of `n_rows` rows of `n_cols` weights, groups and blocks filled up.
    pub const fn bytes(self, n_rows: usize, n_cols: usize) -> usize {
        n_rows.next_multiple_of(self.group_rows()) * self.row_bytes(n_cols)
    }
}

/// Rows that kernels compute together: work is shared out in multiples of it.
pub(crate) const ROW_UNIT: usize = 4;
