//! The weights of one layer.

use super::TernaryMatrix;

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
    /// `[n_heads * head_dim]`, if the architecture has sub-norms
    pub attn_sub_norm: Option<Vec<f32>>,
    /// `[n_embd, n_heads * head_dim]`
    pub attn_output: TernaryMatrix,
    /// `[n_embd]`
    pub ffn_norm: Vec<f32>,
    /// `[n_ff, n_embd]`
    pub ffn_gate: TernaryMatrix,
    /// `[n_ff, n_embd]`
    pub ffn_up: TernaryMatrix,
    /// `[n_ff]`, if the architecture has sub-norms
    pub ffn_sub_norm: Option<Vec<f32>>,
    /// `[n_embd, n_ff]`
    pub ffn_down: TernaryMatrix,
}

impl Layer {
    /// All projections, in the order in which they run.
    pub fn projections(&self) -> [&TernaryMatrix; 7] {
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
