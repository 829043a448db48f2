//! Where a model's tensors lie in the file and how they are stored.

use alloc::vec::Vec;

use crate::rows::RowType;

/// Bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRange {
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

/// A vector of norm weights.
#[derive(Clone, Copy, Debug)]
pub struct NormTensor {
    /// Where it lies.
    pub range: FileRange,
    /// F32 or F16.
    pub row_type: RowType,
    /// Elements.
    pub len: usize,
}

/// A matrix stored as rows of numbers: the embedding or the output matrix.
#[derive(Clone, Copy, Debug)]
pub struct RowTensor {
    /// Where it lies.
    pub range: FileRange,
    /// Element type.
    pub row_type: RowType,
    /// Bytes of a row.
    pub row_bytes: u64,
}

/// The seven ternary matrices of a layer, in the order of [`LayerTensors::projections`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    /// `attn_q`, `[n_query, n_embd]`.
    Query,
    /// `attn_k`, `[n_key, n_embd]`.
    Key,
    /// `attn_v`, `[n_key, n_embd]`.
    Value,
    /// `attn_output`, `[n_embd, n_query]`.
    Output,
    /// `ffn_gate`, `[n_ff, n_embd]`.
    Gate,
    /// `ffn_up`, `[n_ff, n_embd]`.
    Up,
    /// `ffn_down`, `[n_embd, n_ff]`.
    Down,
}

/// The four norms of a layer, in the order of [`LayerTensors::norms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// `attn_norm`, `[n_embd]`.
    Attention,
    /// `attn_sub_norm`, `[n_query]`.
    AttentionSub,
    /// `ffn_norm`, `[n_embd]`.
    FeedForward,
    /// `ffn_sub_norm`, `[n_ff]`.
    FeedForwardSub,
}

/// Tensors of one layer.
#[derive(Clone, Debug)]
pub struct LayerTensors {
    /// By [`Norm`].
    pub norms: [NormTensor; 4],
    /// By [`Projection`].
    pub projections: [FileRange; 7],
}

/// Every tensor of a model.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// `token_embd.weight`, `[n_vocab, n_embd]`.
    pub embedding: RowTensor,
    /// `output.weight`, `[n_vocab, n_embd]`; the embedding serves when absent.
    pub output: Option<RowTensor>,
    /// `output_norm.weight`, `[n_embd]`.
    pub output_norm: NormTensor,
    /// One entry per layer.
    pub layers: Vec<LayerTensors>,
}

impl Tensors {
    /// The matrix that makes logits.
    pub fn head(&self) -> &RowTensor {
        self.output.as_ref().unwrap_or(&self.embedding)
    }
}
