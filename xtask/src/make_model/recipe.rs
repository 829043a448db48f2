//! Recipes: everything that determines a model, except for its seed.

use engine_native::Architecture;

use super::shape::{Shape, check_positive};
use super::types::{DenseType, Layout, OutputMatrix, WeightType};

/// The longest context that readers accept, in positions.
pub const MAX_CONTEXT: u32 = 1 << 24;

/// A scaling of RoPE's frequencies for contexts longer than the model was trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yarn {
    /// How many times longer the context is: above 0.
    pub factor: f32,
    /// The context length in positions that the model was trained on: 1 to [`MAX_CONTEXT`].
    pub original_context_length: u32,
}

impl Yarn {
    /// Checks that a model can have this scaling.
    ///
    /// # Errors
    /// A number is out of its range; the message names the first one, with the value found.
    pub fn validate(self) -> Result<(), String> {
        check_positive("the factor of YaRN", self.factor)?;
        let length = self.original_context_length;
        if !(1..=MAX_CONTEXT).contains(&length) {
            return Err(format!(
                "the original context length of YaRN is {length}, allowed are 1 to {MAX_CONTEXT}"
            ));
        }
        Ok(())
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
    /// The scaling of RoPE, if there is one.
    pub yarn: Option<Yarn>,
    /// Whether engines that round differently choose mostly the same tokens: queries and keys have half
    /// their size, and every type stores the same scales.
    pub comparable: bool,
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
            yarn: None,
            comparable: false,
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
        if let Some(yarn) = self.yarn {
            yarn.validate()?;
            let base = self.shape.rope_base;
            if base <= 1.0 {
                return Err(format!("rope_base is {base}, must be above 1 for YaRN"));
            }
        }
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
    use super::{DenseType, OutputMatrix, Recipe, WeightType, Yarn};
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
    fn yarn_has_a_factor_a_length_and_a_base() {
        let found = |factor, original_context_length, rope_base| {
            let yarn = Yarn {
                factor,
                original_context_length,
            };
            let mut recipe = preset("bonsai-8b").unwrap().usual();
            (recipe.yarn, recipe.shape.rope_base) = (Some(yarn), rope_base);
            recipe.validate().err().unwrap_or_default()
        };
        assert_eq!(found(1e-45, 1, 1.5), "");
        assert_eq!(found(4.0, 1 << 24, 1e6), "");
        for factor in [0.0, -4.0, f32::INFINITY, f32::NAN] {
            let expected = format!("the factor of YaRN is {factor}, must be finite and above 0");
            assert_eq!(found(factor, 8192, 1e6), expected);
        }
        for length in [0, (1 << 24) + 1] {
            let expected = format!(
                "the original context length of YaRN is {length}, allowed are 1 to 16777216"
            );
            assert_eq!(found(4.0, length, 1e6), expected);
        }
        for base in [1.0, 0.5] {
            let expected = format!("rope_base is {base}, must be above 1 for YaRN");
            assert_eq!(found(4.0, 8192, base), expected);
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
