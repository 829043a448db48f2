//! Where a model's tensors lie in the file and how they are stored.

use alloc::vec::Vec;

use super::architecture::Architecture;
use super::storage::{MatrixType, ProjectionType};
use crate::rows::RowType;

/// A range of bytes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRange {
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

/// Norm weights or frequency factors.
#[derive(Clone, Copy, Debug)]
pub struct VectorTensor {
    /// Where it lies.
    pub range: FileRange,
    /// F32 or F16.
    pub row_type: RowType,
    /// Elements.
    pub len: usize,
}

/// The embedding or the output matrix.
#[derive(Clone, Copy, Debug)]
pub struct RowTensor {
    /// Where it lies.
    pub range: FileRange,
    /// How it is stored.
    pub matrix_type: MatrixType,
    /// Elements of a row.
    pub n_cols: usize,
    /// Bytes of a row.
    pub row_bytes: u64,
}

/// A ternary matrix.
#[derive(Clone, Copy, Debug)]
pub struct TernaryTensor {
    /// Where it lies, including what follows the last row.
    pub range: FileRange,
    /// How it is stored.
    pub projection_type: ProjectionType,
    /// Rows.
    pub n_rows: usize,
    /// Weights of a row.
    pub n_cols: usize,
}

/// The seven ternary matrices of a layer.
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

impl Projection {
    /// All of them in the order of their numbers, each with its part of the tensor's name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Projection::Query, "attn_q"),
        (Projection::Key, "attn_k"),
        (Projection::Value, "attn_v"),
        (Projection::Output, "attn_output"),
        (Projection::Gate, "ffn_gate"),
        (Projection::Up, "ffn_up"),
        (Projection::Down, "ffn_down"),
    ];

    /// Its part of the tensor's name.
    pub fn part(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The norms of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// `attn_norm`, `[n_embd]`.
    Attention,
    /// `attn_q_norm`, `[head_dim]`.
    QueryHead,
    /// `attn_k_norm`, `[head_dim]`.
    KeyHead,
    /// `attn_sub_norm`, `[n_query]`.
    AttentionSub,
    /// `ffn_norm`, `[n_embd]`.
    FeedForward,
    /// `ffn_sub_norm`, `[n_ff]`.
    FeedForwardSub,
}

impl Norm {
    /// All of them in the order of their numbers, each with its part of the tensor's name.
    pub const ALL: [(Self, &'static str); 6] = [
        (Norm::Attention, "attn_norm"),
        (Norm::QueryHead, "attn_q_norm"),
        (Norm::KeyHead, "attn_k_norm"),
        (Norm::AttentionSub, "attn_sub_norm"),
        (Norm::FeedForward, "ffn_norm"),
        (Norm::FeedForwardSub, "ffn_sub_norm"),
    ];

    /// Its part of the tensor's name.
    pub fn part(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether the architecture has it.
    pub fn is_in(self, architecture: &Architecture) -> bool {
        match self {
            Norm::Attention | Norm::FeedForward => true,
            Norm::QueryHead | Norm::KeyHead => architecture.head_norms,
            Norm::AttentionSub | Norm::FeedForwardSub => architecture.sub_norms,
        }
    }
}

/// Tensors of one layer.
#[derive(Clone, Debug)]
pub struct LayerTensors {
    /// By [`Norm`]; those that the architecture has.
    pub norms: [Option<VectorTensor>; 6],
    /// By [`Projection`].
    pub projections: [TernaryTensor; 7],
}

/// Every tensor of a model.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// `token_embd.weight`, `[n_vocab, n_embd]`.
    pub embedding: RowTensor,
    /// `output.weight`, `[n_vocab, n_embd]`; if absent, the embedding takes its place.
    pub output: Option<RowTensor>,
    /// `output_norm.weight`, `[n_embd]`.
    pub output_norm: VectorTensor,
    /// `rope_freqs.weight`, `[rope_dim / 2]`.
    pub frequency_factors: Option<VectorTensor>,
    /// One entry per layer.
    pub layers: Vec<LayerTensors>,
}

impl Tensors {
    /// The output matrix: it gives the logits.
    pub fn head(&self) -> &RowTensor {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// Whether all projections have a scale for every group; otherwise none has.
    pub fn has_grouped_projections(&self) -> bool {
        self.layers[0].projections[0].projection_type.is_grouped()
    }
}
