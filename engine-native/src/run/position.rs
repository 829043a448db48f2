//! The buffers of one position.

use crate::{model::ModelShape, operands::QuantizedActivations};

/// The buffers of one position, which are reused in every layer.
#[derive(Debug)]
pub(crate) struct PositionState {
    pub position: usize,
    /// Residual stream, `[n_embd]`.
    pub residual: Vec<f32>,
    /// Norm of the residual stream, `[n_embd]`; after the last layer, the hidden state.
    pub normed: Vec<f32>,
    /// Its quantization, `[n_embd]`; at a choice, that of the hidden state.
    pub normed_q8: QuantizedActivations,
    /// Queries, `[n_heads * head_dim]`.
    pub query: Vec<f32>,
    /// Keys, `[n_kv_heads * head_dim]`.
    pub key: Vec<f32>,
    /// Values, `[n_kv_heads * head_dim]`.
    pub value: Vec<f32>,
    /// Attention output, `[n_heads * head_dim]`.
    pub attention: Vec<f32>,
    /// Its sub-norm, `[n_heads * head_dim]`.
    pub attention_normed: Vec<f32>,
    /// Its quantization, `[n_heads * head_dim]`.
    pub attention_q8: QuantizedActivations,
    /// Gate projection, `[n_ff]`.
    pub gate: Vec<f32>,
    /// Up projection, `[n_ff]`.
    pub up: Vec<f32>,
    /// Activation, `[n_ff]`.
    pub activated: Vec<f32>,
    /// Its sub-norm, `[n_ff]`.
    pub activated_normed: Vec<f32>,
    /// Its quantization, `[n_ff]`.
    pub activated_q8: QuantizedActivations,
    /// Output of a block's last projection, `[n_embd]`.
    pub projected: Vec<f32>,
}

impl PositionState {
    pub(crate) fn with_shape(shape: &ModelShape) -> Self {
        let n_embd = shape.n_embd as usize;
        let n_ff = shape.n_ff as usize;
        let q_dim = (shape.n_heads * shape.head_dim) as usize;
        let kv_dim = (shape.n_kv_heads * shape.head_dim) as usize;
        Self {
            position: 0,
            residual: vec![0.0; n_embd],
            normed: vec![0.0; n_embd],
            normed_q8: QuantizedActivations::with_len(n_embd),
            query: vec![0.0; q_dim],
            key: vec![0.0; kv_dim],
            value: vec![0.0; kv_dim],
            attention: vec![0.0; q_dim],
            attention_normed: vec![0.0; q_dim],
            attention_q8: QuantizedActivations::with_len(q_dim),
            gate: vec![0.0; n_ff],
            up: vec![0.0; n_ff],
            activated: vec![0.0; n_ff],
            activated_normed: vec![0.0; n_ff],
            activated_q8: QuantizedActivations::with_len(n_ff),
            projected: vec![0.0; n_embd],
        }
    }
}
