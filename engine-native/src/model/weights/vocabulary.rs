//! Token embedding and output matrix: a row for each token.

use super::{DenseMatrix, GroupedMatrix};
use crate::{
    gguf::TensorInfo,
    model::{MatrixType, ModelError},
    observer::Observer,
};

/// A token embedding or an output matrix, `[n_vocab, n_embd]` row-major.
#[derive(Debug, Clone)]
pub enum VocabularyMatrix {
    /// Of dense elements.
    Dense(DenseMatrix),
    /// Of grouped ternary weights.
    Grouped(GroupedMatrix),
}

impl VocabularyMatrix {
    /// Its type.
    pub fn matrix_type(&self) -> MatrixType {
        match self {
            Self::Dense(matrix) => MatrixType::Dense(matrix.dense_type),
            Self::Grouped(matrix) => MatrixType::Grouped(matrix.grouped_type),
        }
    }

    /// Rows, the vocabulary.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.n_rows,
            Self::Grouped(matrix) => matrix.n_rows,
        }
    }

    /// Bytes that kernels read for one row.
    pub fn row_bytes(&self) -> usize {
        match self {
            Self::Dense(matrix) => matrix.row_bytes(),
            Self::Grouped(matrix) => matrix.kernel_row_bytes(),
        }
    }

    /// The matrix, if its elements are dense.
    pub fn dense(&self) -> Option<&DenseMatrix> {
        match self {
            Self::Dense(matrix) => Some(matrix),
            Self::Grouped(_) => None,
        }
    }

    /// The matrix, if it is grouped ternary.
    pub fn grouped(&self) -> Option<&GroupedMatrix> {
        match self {
            Self::Dense(_) => None,
            Self::Grouped(matrix) => Some(matrix),
        }
    }

    /// Binds `info` and checks every element.
    pub(super) fn bind(
        info: &TensorInfo,
        file: &[u8],
        observer: &dyn Observer,
    ) -> Result<Self, ModelError> {
        Ok(match MatrixType::of_tensor(info)? {
            MatrixType::Dense(dense_type) => {
                Self::Dense(DenseMatrix::bind(info, dense_type, file, observer)?)
            }
            MatrixType::Grouped(grouped_type) => {
                Self::Grouped(GroupedMatrix::bind(info, grouped_type, file, observer)?)
            }
        })
    }
}
