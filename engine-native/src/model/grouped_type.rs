//! Types of grouped ternary matrices.

use std::fmt;

use crate::gguf::TensorType;

/// How a file packs a grouped ternary matrix: blocks of weights with an F16 scale each. The weights
/// and scales mean the same in every type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupedType {
    /// Q2_0: blocks of 64, 4 codes a byte.
    Q2_0,
    /// The older Q2_0: blocks of 128.
    Q2_0G128,
    /// PQ2_0: the same under an id of its own.
    Pq2_0,
    /// PTQ1_0: blocks of 128, 5 trits a byte.
    Ptq1_0,
}

impl GroupedType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Q2_0, Self::Q2_0G128, Self::Pq2_0, Self::Ptq1_0];

    /// The type of tensors.
    pub fn tensor_type(self) -> TensorType {
        match self {
            Self::Q2_0 => TensorType::Q2_0,
            Self::Q2_0G128 => TensorType::Q2_0G128,
            Self::Pq2_0 => TensorType::Pq2_0,
            Self::Ptq1_0 => TensorType::Ptq1_0,
        }
    }

    /// The grouped type of tensors of `tensor_type`, if they are grouped ternary.
    pub fn of_tensor_type(tensor_type: TensorType) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|grouped| grouped.tensor_type() == tensor_type)
    }

    /// Weights of a block. Rows consist of whole blocks.
    pub fn block_len(self) -> usize {
        match self {
            Self::Q2_0 => 64,
            Self::Q2_0G128 | Self::Pq2_0 | Self::Ptq1_0 => 128,
        }
    }

    /// Bytes of a block, with its scale.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Q2_0 => 18,
            Self::Q2_0G128 | Self::Pq2_0 => 34,
            Self::Ptq1_0 => 28,
        }
    }

    /// Bytes of a row of `n_cols` weights.
    pub fn row_bytes(self, n_cols: usize) -> usize {
        n_cols / self.block_len() * self.block_bytes()
    }
}

impl fmt::Display for GroupedType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.tensor_type().fmt(f)
    }
}
