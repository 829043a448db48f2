//! Recipes: everything that determines a model, except for its seed.

use clap::{ValueEnum, builder::PossibleValue};
use engine_native::Architecture;

use super::gguf_writer::{BF16, F16, F32, I2_S, Q4_K, Q6_K, Q8_0, TQ1_0, TQ2_0};
use super::shape::Shape;

/// The type of the projections in the file. Their values are ternary in every type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum WeightType {
    #[value(name = "i2_s")]
    I2S,
    #[value(name = "tq1_0")]
    Tq1_0,
    #[value(name = "tq2_0")]
    Tq2_0,
    F32,
    F16,
    Bf16,
}

/// The type of a token embedding or an output matrix in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum DenseType {
    F32,
    F16,
    Bf16,
    #[value(name = "q8_0")]
    Q8_0,
    #[value(name = "q6_k")]
    Q6K,
    #[value(name = "q4_k")]
    Q4K,
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
        &[
            Self::Tied,
            Self::Own(DenseType::F32),
            Self::Own(DenseType::F16),
            Self::Own(DenseType::Bf16),
            Self::Own(DenseType::Q8_0),
            Self::Own(DenseType::Q6K),
            Self::Own(DenseType::Q4K),
        ]
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
            Self::Q8_0 => Layout::blocks(Q8_0, "Q8_0", 32, 34),
            Self::Q6K => Layout::blocks(Q6_K, "Q6_K", 256, 210),
            Self::Q4K => Layout::blocks(Q4_K, "Q4_K", 256, 144),
        }
    }
}

/// Everything that determines a model, except for its seed and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The model family.
    pub architecture: Architecture,
    /// The hyperparameters.
    pub shape: Shape,
    /// The type of the projections.
    pub weights: WeightType,
    /// The type of the token embedding.
    pub embedding: DenseType,
    /// The output matrix.
    pub output: OutputMatrix,
}

/// BitNet b1.58 in the types of the published 2B4T: I2_S, with an F16 embedding that is also the
/// output matrix.
impl From<&Shape> for Recipe {
    fn from(shape: &Shape) -> Self {
        Self {
            architecture: Architecture::BitnetB158,
            shape: shape.clone(),
            weights: WeightType::I2S,
            embedding: DenseType::F16,
            output: OutputMatrix::Tied,
        }
    }
}

impl Recipe {
    /// Checks that a model with this recipe can exist.
    ///
    /// # Errors
    /// A rule is broken; the message names the first one, with the value found.
    pub fn validate(&self) -> Result<(), String> {
        self.shape.validate()?;
        let (weights, shape) = (self.weights.layout(), &self.shape);
        check_columns("n_embd", shape.n_embd, weights, "weights")?;
        check_columns("n_heads * head_dim", shape.n_query(), weights, "weights")?;
        check_columns("n_ff", shape.n_ff, weights, "weights")?;
        check_columns("n_embd", shape.n_embd, self.embedding.layout(), "embedding")?;
        match self.output {
            OutputMatrix::Tied => Ok(()),
            OutputMatrix::Own(dense) => {
                check_columns("n_embd", shape.n_embd, dense.layout(), "output matrix")
            }
        }
    }
}

fn check_columns(name: &str, found: u32, layout: Layout, of: &str) -> Result<(), String> {
    if found.is_multiple_of(layout.block_len) {
        return Ok(());
    }
    Err(format!(
        "{name} is {found}, must be a multiple of {} for {} {of}",
        layout.block_len, layout.name
    ))
}

#[cfg(test)]
mod tests {
    use super::{DenseType, OutputMatrix, Recipe, WeightType};
    use crate::make_model::{Shape, preset};

    /// The error for `tiny` in these types, after `edit` has changed its shape.
    fn reason(
        edit: impl Fn(&mut Shape),
        weights: WeightType,
        embedding: DenseType,
        output: OutputMatrix,
    ) -> String {
        let mut recipe = Recipe::from(&preset("tiny").unwrap().shape);
        edit(&mut recipe.shape);
        recipe = Recipe {
            weights,
            embedding,
            output,
            ..recipe
        };
        recipe.validate().err().unwrap_or_default()
    }

    #[test]
    fn columns_are_whole_blocks_of_every_type() {
        let weights = |edit: fn(&mut Shape), weights| {
            reason(edit, weights, DenseType::F16, OutputMatrix::Tied)
        };
        let odd_heads = |shape: &mut Shape| (shape.n_heads, shape.head_dim) = (2, 80);
        for (found, expected) in [
            (
                weights(|s| s.n_embd = 192, WeightType::I2S),
                "n_embd is 192, must be a multiple of 128 for I2_S weights",
            ),
            (
                weights(odd_heads, WeightType::I2S),
                "n_heads * head_dim is 160, must be a multiple of 128 for I2_S weights",
            ),
            (
                weights(|s| s.n_ff = 384, WeightType::Tq1_0),
                "n_ff is 384, must be a multiple of 256 for TQ1_0 weights",
            ),
            (
                weights(|s| s.n_ff = 384, WeightType::Tq2_0),
                "n_ff is 384, must be a multiple of 256 for TQ2_0 weights",
            ),
        ] {
            assert_eq!(found, expected);
        }
        for float in [WeightType::F32, WeightType::F16, WeightType::Bf16] {
            assert_eq!(weights(|s| (s.n_embd, s.n_ff) = (199, 1), float), "");
        }
    }

    #[test]
    fn the_embedding_and_the_output_matrix_have_columns_too() {
        let embedding = |n_embd, embedding| {
            let edit = |shape: &mut Shape| shape.n_embd = n_embd;
            reason(edit, WeightType::F32, embedding, OutputMatrix::Tied)
        };
        for (dense, n_embd, expected) in [
            (DenseType::Q8_0, 240, "a multiple of 32 for Q8_0 embedding"),
            (DenseType::Q6K, 384, "a multiple of 256 for Q6_K embedding"),
            (DenseType::Q4K, 384, "a multiple of 256 for Q4_K embedding"),
        ] {
            assert!(embedding(n_embd, dense).ends_with(expected));
            let own = OutputMatrix::Own(dense);
            let edit = |shape: &mut Shape| shape.n_embd = n_embd;
            let found = reason(edit, WeightType::F32, DenseType::F32, own);
            assert!(found.ends_with("output matrix"), "{found}");
        }
        assert_eq!(embedding(199, DenseType::Bf16), "");
    }
}
