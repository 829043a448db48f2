//! The types of matrices in files.

use std::sync::LazyLock;

use clap::{ValueEnum, builder::PossibleValue};

use super::gguf_writer::{
    BF16, F16, F32, I2_S, PQ2_0, PTQ1_0, Q2_0, Q4_K, Q6_K, Q8_0, TQ1_0, TQ2_0,
};

/// A ternary type with one scale per group of weights of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupedType {
    /// Blocks of 64, two of which share each scale, as in published files.
    Q2_0,
    /// The same with a scale for each block, as the format allows.
    Q2_0Uneven,
    /// Blocks of 128 under the same id, as older files have them.
    Q2_0G128,
    /// The same blocks of 128 under an id of their own.
    Pq2_0,
    /// Blocks of 128, five weights to a byte.
    Ptq1_0,
}

impl GroupedType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Q2_0,
        Self::Q2_0Uneven,
        Self::Q2_0G128,
        Self::Pq2_0,
        Self::Ptq1_0,
    ];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Q2_0 => "q2_0",
            Self::Q2_0Uneven => "q2_0_uneven",
            Self::Q2_0G128 => "q2_0_g128",
            Self::Pq2_0 => "pq2_0",
            Self::Ptq1_0 => "ptq1_0",
        }
    }

    /// The layout in the file.
    pub fn layout(self) -> Layout {
        match self {
            Self::Q2_0 | Self::Q2_0Uneven => Layout::blocks(Q2_0, "Q2_0", 64, 18),
            Self::Q2_0G128 => Layout::blocks(Q2_0, "Q2_0", 128, 34),
            Self::Pq2_0 => Layout::blocks(PQ2_0, "PQ2_0", 128, 34),
            Self::Ptq1_0 => Layout::blocks(PTQ1_0, "PTQ1_0", 128, 28),
        }
    }
}

/// The type of the projections in the file. Their values are ternary in every type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum WeightType {
    I2S,
    Tq1_0,
    Tq2_0,
    F32,
    F16,
    Bf16,
    Grouped(GroupedType),
}

impl ValueEnum for WeightType {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<WeightType>> = LazyLock::new(|| {
            use WeightType as W;
            let ungrouped = [W::I2S, W::Tq1_0, W::Tq2_0, W::F32, W::F16, W::Bf16];
            let grouped = GroupedType::ALL.map(W::Grouped);
            ungrouped.into_iter().chain(grouped).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::I2S => "i2_s",
            Self::Tq1_0 => "tq1_0",
            Self::Tq2_0 => "tq2_0",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Grouped(grouped) => grouped.as_str(),
        }))
    }
}

/// The type of a token embedding or an output matrix in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DenseType {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q6K,
    Q4K,
    /// Ternary rows.
    Grouped(GroupedType),
}

impl ValueEnum for DenseType {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<DenseType>> = LazyLock::new(|| {
            use DenseType as D;
            let ungrouped = [D::F32, D::F16, D::Bf16, D::Q8_0, D::Q6K, D::Q4K];
            let grouped = GroupedType::ALL.map(D::Grouped);
            ungrouped.into_iter().chain(grouped).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Q8_0 => "q8_0",
            Self::Q6K => "q6_k",
            Self::Q4K => "q4_k",
            Self::Grouped(grouped) => grouped.as_str(),
        }))
    }
}

/// The matrix that computes the logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMatrix {
    /// The token embedding.
    Tied,
    /// A separate tensor.
    Own(DenseType),
}

impl ValueEnum for OutputMatrix {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<OutputMatrix>> = LazyLock::new(|| {
            let own = DenseType::value_variants().iter().copied();
            std::iter::once(OutputMatrix::Tied)
                .chain(own.map(OutputMatrix::Own))
                .collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Tied => Some(PossibleValue::new("tied")),
            Self::Own(dense_type) => dense_type.to_possible_value(),
        }
    }
}

/// The layout of a tensor type in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// GGUF's number for the type.
    pub type_id: u32,
    /// ggml's name for the type.
    pub name: &'static str,
    /// Elements of a block. The number of columns of a matrix must be a multiple of it.
    pub block_len: u32,
    /// Bytes of a block.
    pub block_bytes: u32,
    /// Bytes after the last block of a tensor.
    pub trailer_bytes: u32,
}

impl Layout {
    const fn blocks(type_id: u32, name: &'static str, block_len: u32, block_bytes: u32) -> Self {
        Self {
            type_id,
            name,
            block_len,
            block_bytes,
            trailer_bytes: 0,
        }
    }

    /// The bytes of a tensor with `n_elements` elements, which must be whole blocks.
    pub fn n_bytes(self, n_elements: u64) -> u64 {
        n_elements / u64::from(self.block_len) * u64::from(self.block_bytes)
            + u64::from(self.trailer_bytes)
    }
}

const LAYOUT_F32: Layout = Layout::blocks(F32, "F32", 1, 4);
const LAYOUT_F16: Layout = Layout::blocks(F16, "F16", 1, 2);
const LAYOUT_BF16: Layout = Layout::blocks(BF16, "BF16", 1, 2);

impl WeightType {
    /// The layout in the file. An I2_S tensor ends with an f32 scale and 28 zero bytes.
    pub fn layout(self) -> Layout {
        match self {
            Self::I2S => Layout {
                trailer_bytes: 32,
                ..Layout::blocks(I2_S, "I2_S", 128, 32)
            },
            Self::Tq1_0 => Layout::blocks(TQ1_0, "TQ1_0", 256, 54),
            Self::Tq2_0 => Layout::blocks(TQ2_0, "TQ2_0", 256, 66),
            Self::F32 => LAYOUT_F32,
            Self::F16 => LAYOUT_F16,
            Self::Bf16 => LAYOUT_BF16,
            Self::Grouped(grouped) => grouped.layout(),
        }
    }
}

impl DenseType {
    /// The layout in the file.
    pub fn layout(self) -> Layout {
        match self {
            Self::F32 => LAYOUT_F32,
            Self::F16 => LAYOUT_F16,
            Self::Bf16 => LAYOUT_BF16,
            Self::Grouped(grouped) => grouped.layout(),
            Self::Q8_0 => Layout::blocks(Q8_0, "Q8_0", 32, 34),
            Self::Q6K => Layout::blocks(Q6_K, "Q6_K", 256, 210),
            Self::Q4K => Layout::blocks(Q4_K, "Q4_K", 256, 144),
        }
    }
}
