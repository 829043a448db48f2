//! The weights of one layer.

use super::{GroupedMatrix, TernaryMatrix};

/// A ternary projection, `[n_rows, n_cols]` row-major. All projections of a model are of one kind.
#[derive(Debug)]
pub enum Projection {
    /// With one scale for the tensor.
    OneScale(TernaryMatrix),
    /// With a scale for each group of weights.
    Grouped(GroupedMatrix),
}

impl Projection {
    /// The matrix, if it has one scale.
    pub fn one_scale(&self) -> Option<&TernaryMatrix> {
        match self {
            Self::OneScale(matrix) => Some(matrix),
            Self::Grouped(_) => None,
        }
    }

    /// The matrix, if it has a scale for each group.
    pub fn grouped(&self) -> Option<&GroupedMatrix> {
        match self {
            Self::OneScale(_) => None,
            Self::Grouped(matrix) => Some(matrix),
        }
    }

    /// Bytes of the weights at two bits each, in the form that kernels read. `file` is the file that
    /// the matrix was bound from.
    pub fn kernel_bytes(&self, file: &[u8]) -> usize {
        match self {
            Self::OneScale(matrix) => matrix.packed(file).len(),
            Self::Grouped(matrix) => matrix.kernel_bytes(),
        }
    }

    /// Bytes allocated for the weights at load.
    pub fn packed_at_load(&self) -> usize {
        self.one_scale().map_or(0, TernaryMatrix::packed_at_load)
    }
}

/// Weights of one layer.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Layer {
    /// `[n_embd]`
    pub attn_norm: Vec<f32>,
    /// `[n_heads * head_dim, n_embd]`
    pub attn_q: Projection,
    /// `[n_kv_heads * head_dim, n_embd]`
    pub attn_k: Projection,
    /// `[n_kv_heads * head_dim, n_embd]`
    pub attn_v: Projection,
    /// `[head_dim]`, if the architecture has head norms
    pub attn_q_norm: Option<Vec<f32>>,
    /// `[head_dim]`, if the architecture has head norms
    pub attn_k_norm: Option<Vec<f32>>,
    /// `[n_heads * head_dim]`, if the architecture has sub-norms
    pub attn_sub_norm: Option<Vec<f32>>,
    /// `[n_embd, n_heads * head_dim]`
    pub attn_output: Projection,
    /// `[n_embd]`
    pub ffn_norm: Vec<f32>,
    /// `[n_ff, n_embd]`
    pub ffn_gate: Projection,
    /// `[n_ff, n_embd]`
    pub ffn_up: Projection,
    /// `[n_ff]`, if the architecture has sub-norms
    pub ffn_sub_norm: Option<Vec<f32>>,
    /// `[n_embd, n_ff]`
    pub ffn_down: Projection,
}

impl Layer {
    /// All projections, in the order in which they run.
    pub fn projections(&self) -> [&Projection; 7] {
        [
            &self.attn_q,
            &self.attn_k,
            &self.attn_v,
            &self.attn_output,
            &self.ffn_gate,
            &self.ffn_up,
            &self.ffn_down,
        ]
    }
}
