//! Rows of dense elements.

use crate::model::{DenseMatrix, DenseType};

/// Rows of dense elements: of an embedding or an output matrix, or the keys or values of one KV
/// head.
#[derive(Debug, Clone, Copy)]
pub struct DenseRows<'a> {
    /// Element type.
    pub dense_type: DenseType,
    /// Elements of a row.
    pub n_cols: usize,
    /// The rows, little endian, without gaps.
    pub bytes: &'a [u8],
}

impl<'a> DenseRows<'a> {
    /// All rows of `matrix`. `file` is the file that it was bound from.
    pub(crate) fn of(matrix: &DenseMatrix, file: &'a [u8]) -> Self {
        Self {
            dense_type: matrix.dense_type,
            n_cols: matrix.n_cols,
            bytes: matrix.rows(file),
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.bytes.len() / self.row_bytes()
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.dense_type.row_bytes(self.n_cols)
    }

    /// The `n` rows from `first` on.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        let bytes = self.row_bytes();
        Self {
            bytes: &self.bytes[first * bytes..(first + n) * bytes],
            ..*self
        }
    }
}
