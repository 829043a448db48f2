//! How tensors store their rows.

use std::fmt;

use engine_native::{I2sLayout, gguf::TensorType};

/// An element type whose rows can be read. Layouts: `guest-reference/NUMERICS.md`, section 4; for the last two,
/// `ggml-common.h` and `iqk_quantize.cpp` of ik_llama.cpp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stored {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q4K,
    Q6K,
    Tq1_0,
    Tq2_0,
    I2S(I2sLayout),
    /// Q2_0 in blocks of 64 weights.
    Q2_0,
    /// Q2_0 in blocks of 128 weights, under either id.
    Q2_0G128,
    Ptq1_0,
    /// Of ik_llama.cpp, type 134: a row is an f16 scale, then 13 bytes for each 64 weights.
    Iq1Bn,
    /// Of ik_llama.cpp, type 135: a row is an f32 scale, then 16 bytes for each 64 weights.
    Iq2Bn,
}

impl Stored {
    /// The type of a tensor. `layout` is that of I2_S, which files do not record. `None` for a type that cannot
    /// be read.
    pub fn of(tensor_type: TensorType, layout: I2sLayout) -> Option<Self> {
        Some(match tensor_type {
            TensorType::F32 => Self::F32,
            TensorType::F16 => Self::F16,
            TensorType::Bf16 => Self::Bf16,
            TensorType::Q8_0 => Self::Q8_0,
            TensorType::Q4K => Self::Q4K,
            TensorType::Q6K => Self::Q6K,
            TensorType::Tq1_0 => Self::Tq1_0,
            TensorType::Tq2_0 => Self::Tq2_0,
            TensorType::I2S => Self::I2S(layout),
            TensorType::Q2_0 => Self::Q2_0,
            TensorType::Q2_0G128 | TensorType::Pq2_0 => Self::Q2_0G128,
            TensorType::Ptq1_0 => Self::Ptq1_0,
            TensorType::Other(134) => Self::Iq1Bn,
            TensorType::Other(135) => Self::Iq2Bn,
            TensorType::Other(_) => return None,
        })
    }

    /// Weights and bytes of a block.
    fn block(self) -> (u64, u64) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q6K => (256, 210),
            Self::Tq1_0 => (256, 54),
            Self::Tq2_0 => (256, 66),
            Self::I2S(I2sLayout::Block128) => (128, 32),
            Self::I2S(I2sLayout::Block64) => (64, 16),
            Self::I2S(I2sLayout::Row4) => (4, 1),
            Self::Q2_0 => (64, 18),
            Self::Q2_0G128 => (128, 34),
            Self::Ptq1_0 => (128, 28),
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
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q6K => "Q6_K",
            Self::Tq1_0 => "TQ1_0",
            Self::Tq2_0 => "TQ2_0",
            Self::I2S(I2sLayout::Block128) => "I2_S (block128)",
            Self::I2S(I2sLayout::Row4) => "I2_S (row4)",
            Self::I2S(I2sLayout::Block64) => "I2_S (block64)",
            Self::Q2_0 => "Q2_0",
            Self::Q2_0G128 => "Q2_0 in blocks of 128",
            Self::Ptq1_0 => "PTQ1_0",
            Self::Iq1Bn => "IQ1_BN",
            Self::Iq2Bn => "IQ2_BN",
        })
    }
}
