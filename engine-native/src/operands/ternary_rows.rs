//! Rows of ternary weights.

use super::{QuantizedActivations, RowLayout};
use crate::model::TernaryMatrix;

/// Packed rows of a ternary matrix, each padded to whole blocks.
#[derive(Debug, Clone, Copy)]
pub struct TernaryRows<'a> {
    /// Memory layout of the rows.
    pub layout: RowLayout,
    /// The rows.
    pub packed: &'a [u8],
    /// Number of rows, without the padding of the last group.
    pub n_rows: usize,
    /// Elements of a row, without the padding of its last block.
    pub n_cols: usize,
    /// Scale of the tensor.
    pub scale: f32,
}

impl<'a> TernaryRows<'a> {
    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.layout.row_bytes(self.n_cols)
    }

    /// The `n` rows from `first` on; `first` must start a group.
    ///
    /// # Panics
    /// The range is out of bounds, or `first` is inside a group.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        assert!(first.is_multiple_of(self.layout.group_rows()) && first + n <= self.n_rows);
        let start = self.layout.bytes(first, self.n_cols);
        let len = self.layout.bytes(n, self.n_cols);
        Self {
            packed: &self.packed[start..start + len],
            n_rows: n,
            ..*self
        }
    }

    /// Asserts that the rows fit a product with `activations` into `n_outputs` outputs.
    pub(crate) fn assert_fits(&self, activations: &QuantizedActivations, n_outputs: usize) {
        assert_eq!(activations.len, self.n_cols);
        assert_eq!(self.n_rows, n_outputs);
        assert_eq!(
            self.packed.len(),
            self.layout.bytes(self.n_rows, self.n_cols)
        );
    }
}

impl TernaryMatrix {
    /// The packed rows, for a kernel. `file` is the file that the matrix was bound from.
    pub fn rows<'a>(&'a self, file: &'a [u8]) -> TernaryRows<'a> {
        TernaryRows {
            layout: RowLayout::Rows,
            packed: self.packed(file),
            n_rows: self.n_rows,
            n_cols: self.n_cols,
            scale: self.scale,
        }
    }
}
