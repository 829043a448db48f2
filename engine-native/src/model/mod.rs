//! A BitNet b1.58 model in a GGUF file: opened, validated, bound to names; weights stay mapped.

mod bind;
mod file_bytes;
mod matrix;
mod shape;

pub use matrix::{DenseMatrix, DenseType, TernaryMatrix};
pub use shape::ModelShape;

use std::path::Path;

use crate::gguf::{Gguf, GgufError, TensorType};
use file_bytes::FileBytes;

/// The architecture string that this engine runs.
pub const ARCHITECTURE: &str = "bitnet-b1.58";

/// Why a file cannot be used as a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be opened, read or mapped.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The header breaks a rule of the format, or a key or tensor a rule of the architecture.
    #[error("{0}")]
    Gguf(#[from] GgufError),
    /// A key that the architecture needs is absent.
    #[error("key {key}: not found; {ARCHITECTURE} models need it")]
    #[allow(missing_docs)]
    MissingKey { key: String },
    /// A tensor that the architecture needs is absent.
    #[error("tensor {name}: not found; the model needs it with shape {shape}")]
    #[allow(missing_docs)]
    MissingTensor { name: String, shape: String },
    /// Something this engine would have to guess, or does not implement.
    #[error("{what}: found {found}, supported {supported}")]
    #[allow(missing_docs)]
    Unsupported {
        what: String,
        found: String,
        supported: String,
    },
}

/// Weights of one layer.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Layer {
    /// `[n_embd]`
    pub attn_norm: Vec<f32>,
    /// `[n_heads * head_dim, n_embd]`
    pub attn_q: TernaryMatrix,
    /// `[n_kv_heads * head_dim, n_embd]`
    pub attn_k: TernaryMatrix,
    /// `[n_kv_heads * head_dim, n_embd]`
    pub attn_v: TernaryMatrix,
    /// `[n_heads * head_dim]`
    pub attn_sub_norm: Vec<f32>,
    /// `[n_embd, n_heads * head_dim]`
    pub attn_output: TernaryMatrix,
    /// `[n_embd]`
    pub ffn_norm: Vec<f32>,
    /// `[n_ff, n_embd]`
    pub ffn_gate: TernaryMatrix,
    /// `[n_ff, n_embd]`
    pub ffn_up: TernaryMatrix,
    /// `[n_ff]`
    pub ffn_sub_norm: Vec<f32>,
    /// `[n_embd, n_ff]`
    pub ffn_down: TernaryMatrix,
}

/// A validated model. Every weight and scale has been checked: codes, signs, finiteness, shapes.
#[derive(Debug)]
pub struct Model {
    file: FileBytes,
    shape: ModelShape,
    layers: Vec<Layer>,
    token_embd: DenseMatrix,
    output_norm: Vec<f32>,
    output: Option<DenseMatrix>,
    n_parameters: u64,
    weight_types: Vec<(TensorType, u64)>,
}

impl Model {
    /// Maps the file at `path` and validates it.
    ///
    /// # Errors
    /// The file cannot be read, or breaks a rule: the error names the key or tensor.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::load(FileBytes::map(path)?)
    }

    /// Validates a model held in memory.
    ///
    /// # Errors
    /// As for [`Model::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ModelError> {
        Self::load(FileBytes::Owned(bytes))
    }

    fn load(file: FileBytes) -> Result<Self, ModelError> {
        let gguf = Gguf::parse(&file)?;
        let shape = ModelShape::from_metadata(&gguf)?;
        let bound = bind::bind(&gguf, &shape, &file)?;
        Ok(Self {
            n_parameters: gguf.tensors.iter().map(|t| t.n_elements()).sum(),
            weight_types: bind::weight_types(&gguf),
            layers: bound.layers,
            token_embd: bound.token_embd,
            output_norm: bound.output_norm,
            output: bound.output,
            shape,
            file,
        })
    }

    /// All bytes of the file: what is hashed, what the engine computes from and what a replay is
    /// given are this one mapping.
    pub fn file_bytes(&self) -> &[u8] {
        &self.file
    }

    /// Hyperparameters.
    pub fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// Layers in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Token embedding, `[n_vocab, n_embd]`.
    pub fn token_embd(&self) -> &DenseMatrix {
        &self.token_embd
    }

    /// Weight of the final RMSNorm, `[n_embd]`.
    pub fn output_norm(&self) -> &[f32] {
        &self.output_norm
    }

    /// Output matrix, `[n_vocab, n_embd]`; the token embedding when tied.
    pub fn output(&self) -> &DenseMatrix {
        self.output.as_ref().unwrap_or(&self.token_embd)
    }

    /// Whether the output matrix is the token embedding.
    pub fn is_tied(&self) -> bool {
        self.output.is_none()
    }

    /// Elements of all tensors.
    pub fn n_parameters(&self) -> u64 {
        self.n_parameters
    }

    /// Tensor types of the file, each with the bytes it takes, sorted by type.
    pub fn weight_types(&self) -> &[(TensorType, u64)] {
        &self.weight_types
    }
}
