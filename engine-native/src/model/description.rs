//! What the header of a model file says of the model.

use super::{GroupedType, MatrixType, ModelError, ModelShape};
use crate::gguf::{Gguf, TensorType};

/// What the header of a model file says of the model. Whether every tensor has a role, and every weight a
/// valid value, only its loading shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelDescription {
    /// Hyperparameters.
    pub shape: ModelShape,
    /// Type of the token embedding.
    pub embedding: MatrixType,
    /// Type of the output matrix.
    pub output: MatrixType,
    /// Whether the projections have a scale for each group of weights, and not one for a tensor.
    pub has_grouped_projections: bool,
    /// Whether the output matrix is the token embedding.
    pub is_tied: bool,
    /// Whether the file has divisors of the RoPE frequencies.
    pub has_rope_factors: bool,
    /// Whether the file has I2_S tensors, whose layout it does not name.
    pub has_i2s: bool,
    /// Number of elements in all tensors.
    pub n_parameters: u64,
    /// The tensor types of the file with the bytes of each, sorted by type.
    pub weight_types: Vec<(TensorType, u64)>,
}

impl ModelDescription {
    /// Reads a description.
    ///
    /// # Errors
    /// A key or the token embedding is missing, unknown, of the wrong type or out of range.
    ///
    /// ```
    /// use engine_native::{DenseType, MatrixType, ModelDescription, gguf::Gguf};
    ///
    /// let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf"))?;
    /// // The weights are not needed.
    /// let gguf = Gguf::parse_header(&file[..1 << 19], file.len() as u64)?;
    /// let model = ModelDescription::from_gguf(&gguf)?;
    /// assert_eq!((model.embedding, model.is_tied), (MatrixType::Dense(DenseType::F16), true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, ModelError> {
        let shape = ModelShape::from_gguf(gguf)?;
        let tensor = |name: &str| gguf.tensors.iter().find(|tensor| tensor.name == name);
        let embedding = tensor("token_embd.weight").ok_or_else(|| ModelError::MissingTensor {
            name: "token_embd.weight".into(),
            shape: "[n_vocab, n_embd]".into(),
        })?;
        let embedding = MatrixType::of_tensor(embedding)?;
        let output = tensor("output.weight")
            .map(MatrixType::of_tensor)
            .transpose()?;
        // Loading makes sure that all projections agree.
        let projection = tensor("blk.0.attn_q.weight").map(|info| info.tensor_type);
        let has_rope_factors =
            shape.architecture.allows_rope_factors() && tensor("rope_freqs.weight").is_some();
        let mut types = gguf.tensors.iter().map(|tensor| tensor.tensor_type);
        Ok(Self {
            embedding,
            output: output.unwrap_or(embedding),
            has_grouped_projections: projection.and_then(GroupedType::of_tensor_type).is_some(),
            is_tied: output.is_none(),
            has_rope_factors,
            has_i2s: types.any(|tensor_type| tensor_type == TensorType::I2S),
            n_parameters: gguf.n_parameters(),
            weight_types: gguf.weight_types(),
            shape,
        })
    }
}
