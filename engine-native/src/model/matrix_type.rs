//! Types of embeddings and output matrices.

use std::fmt;

use super::{DenseType, GroupedType, ModelError};
use crate::gguf::TensorInfo;

/// The type of an embedding or an output matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixType {
    /// Dense elements.
    Dense(DenseType),
    /// Grouped ternary weights.
    Grouped(GroupedType),
}

impl MatrixType {
    /// The type of the tensor `info`.
    ///
    /// # Errors
    /// No embedding or output matrix may have it.
    pub(super) fn of_tensor(info: &TensorInfo) -> Result<Self, ModelError> {
        let dense = DenseType::of_tensor_type(info.tensor_type).map(Self::Dense);
        let grouped = || GroupedType::of_tensor_type(info.tensor_type).map(Self::Grouped);
        dense
            .or_else(grouped)
            .ok_or_else(|| ModelError::Unsupported {
                what: format!("type of tensor {}", info.name),
                found: info.tensor_type.to_string(),
                supported: format!(
                    "F32, F16, BF16, Q8_0, Q6_K, Q4_K, Q2_0, PQ2_0, PTQ1_0{}",
                    info.tensor_type.advice()
                ),
            })
    }
}

impl fmt::Display for MatrixType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Dense(dense_type) => dense_type.fmt(f),
            Self::Grouped(grouped_type) => grouped_type.fmt(f),
        }
    }
}
