//! How tensors store their rows.

use std::fmt;

use engine_native::{DenseType, GroupedType, I2sLayout, gguf::TensorType};

/// Type ids of ik_llama.cpp.
const IQ1_BN: u32 = 134;
const IQ2_BN: u32 = 135;

/// An element type whose rows can be read. Layouts: `guest-reference/NUMERICS.md`, section 4; for the last two,
/// `ggml-common.h` and `iqk_quantize.cpp` of ik_llama.cpp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stored {
    /// Numbers of their own.
    Dense(DenseType),
    /// Ternary codes in blocks with an f16 scale, of models with grouped weights.
    Grouped(GroupedType),
    Tq1_0,
    Tq2_0,
    I2S(I2sLayout),
    /// Of ik_llama.cpp: a row is an f16 scale, then 13 bytes for each 64 weights.
    Iq1Bn,
    /// Of ik_llama.cpp: a row is an f32 scale, then 16 bytes for each 64 weights.
    Iq2Bn,
}

impl Stored {
    /// The type of a tensor. `layout` is that of I2_S, which files do not record. `None` for a type that cannot
    /// be read.
    pub fn of(tensor_type: TensorType, layout: I2sLayout) -> Option<Self> {
        let dense = DenseType::of_tensor_type(tensor_type).map(Self::Dense);
        let grouped = || GroupedType::of_tensor_type(tensor_type).map(Self::Grouped);
        dense.or_else(grouped).or(match tensor_type {
            TensorType::Tq1_0 => Some(Self::Tq1_0),
            TensorType::Tq2_0 => Some(Self::Tq2_0),
            TensorType::I2S => Some(Self::I2S(layout)),
            TensorType::Other(IQ1_BN) => Some(Self::Iq1Bn),
            TensorType::Other(IQ2_BN) => Some(Self::Iq2Bn),
            _ => None,
        })
    }

    /// Weights and bytes of a block.
    fn block(self) -> (u64, u64) {
        let of = |len: usize, bytes: usize| (len as u64, bytes as u64);
        match self {
            Self::Dense(dense) => of(dense.block_len(), dense.row_bytes(dense.block_len())),
            Self::Grouped(grouped) => of(grouped.block_len(), grouped.block_bytes()),
            Self::Tq1_0 => (256, 54),
            Self::Tq2_0 => (256, 66),
            Self::I2S(I2sLayout::Block128) => (128, 32),
            Self::I2S(I2sLayout::Block64) => (64, 16),
            Self::I2S(I2sLayout::Row4) => (4, 1),
            Self::Iq1Bn => (64, 13),
            Self::Iq2Bn => (64, 16),
        }
    }

    /// Rows that share bytes: they are read together.
    pub fn rows_together(self) -> u64 {
        match self {
            Self::I2S(I2sLayout::Row4) => 4,
            _ => 1,
        }
    }

    /// Bytes of a row of `n_cols` weights. `None` if that is no whole number of blocks.
    pub fn row_bytes(self, n_cols: u64) -> Option<u64> {
        let (weights, bytes) = self.block();
        let before = match self {
            Self::Iq1Bn => 2,
            Self::Iq2Bn => 4,
            _ => 0,
        };
        let blocks = n_cols.is_multiple_of(weights).then_some(n_cols / weights)?;
        blocks.checked_mul(bytes)?.checked_add(before)
    }

    /// Whether one f32 scale follows all rows.
    pub fn has_trailing_scale(self) -> bool {
        matches!(self, Self::I2S(_))
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Dense(dense) => return dense.fmt(f),
            Self::Grouped(grouped) => return grouped.fmt(f),
            Self::Tq1_0 => "TQ1_0",
            Self::Tq2_0 => "TQ2_0",
            Self::I2S(I2sLayout::Block128) => "I2_S (block128)",
            Self::I2S(I2sLayout::Row4) => "I2_S (row4)",
            Self::I2S(I2sLayout::Block64) => "I2_S (block64)",
            Self::Iq1Bn => "IQ1_BN",
            Self::Iq2Bn => "IQ2_BN",
        })
    }
}
