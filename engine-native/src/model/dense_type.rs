//! Element types of dense matrices.

use std::fmt;

use crate::gguf::TensorType;

/// Element type of a dense matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DenseType {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q6K,
    Q4K,
}

impl fmt::Display for DenseType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q8_0 => "Q8_0",
            Self::Q6K => "Q6_K",
            Self::Q4K => "Q4_K",
        })
    }
}

impl DenseType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q8_0,
        Self::Q6K,
        Self::Q4K,
    ];

    /// The dense type of tensors of `tensor_type`, if they are dense.
    pub fn of_tensor_type(tensor_type: TensorType) -> Option<Self> {
        Some(match tensor_type {
            TensorType::F32 => Self::F32,
            TensorType::F16 => Self::F16,
            TensorType::Bf16 => Self::Bf16,
            TensorType::Q8_0 => Self::Q8_0,
            TensorType::Q6K => Self::Q6K,
            TensorType::Q4K => Self::Q4K,
            _ => return None,
        })
    }

    /// Elements of a block. Rows consist of whole blocks.
    pub fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q8_0 => 32,
            Self::Q6K | Self::Q4K => 256,
        }
    }

    /// Bytes of a row of `n_cols` elements.
    pub fn row_bytes(self, n_cols: usize) -> usize {
        let block_bytes = match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q8_0 => 34,
            Self::Q6K => 210,
            Self::Q4K => 144,
        };
        n_cols / self.block_len() * block_bytes
    }
}
