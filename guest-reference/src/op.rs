//! The operations of a layer by number, and a buffer for the output of each.
//!
//! Every output is kept, so that a host can name the first operation whose result differs.

use alloc::vec::Vec;

use crate::error::{Fault, Result};
use crate::memory::zeroed;
use crate::model::Hyperparameters;

/// An operation of a layer, in execution order; the discriminant is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// RMSNorm before attention, `[n_embd]`.
    AttnNorm,
    /// int8 input of the query, key and value projections, `[n_embd]`.
    AttnQkvQuantize,
    /// Query projection, `[n_heads, head_dim]`.
    AttnQ,
    /// Key projection, `[n_kv_heads, head_dim]`.
    AttnK,
    /// Value projection, `[n_kv_heads, head_dim]`.
    AttnV,
    /// Each query head, normalized, `[n_heads, head_dim]`; empty without head norms.
    AttnQNorm,
    /// Each key head, normalized, `[n_kv_heads, head_dim]`; empty without head norms.
    AttnKNorm,
    /// Rotated query, `[n_heads, head_dim]`.
    RopeQ,
    /// Rotated key before it is rounded to the cache's type, `[n_kv_heads, head_dim]`.
    RopeK,
    /// Attention output, `[n_heads, head_dim]`.
    Attention,
    /// RMSNorm of the attention output, `[n_query]`; empty without sub-norms.
    AttnSubNorm,
    /// int8 input of the output projection, `[n_query]`.
    AttnOutputQuantize,
    /// Output projection, `[n_embd]`.
    AttnOutput,
    /// Residual stream after attention, `[n_embd]`.
    AttnResidual,
    /// RMSNorm before the feed-forward network, `[n_embd]`.
    FfnNorm,
    /// int8 input of the gate and up projections, `[n_embd]`.
    FfnGateUpQuantize,
    /// Gate projection, `[n_ff]`.
    FfnGate,
    /// Up projection, `[n_ff]`.
    FfnUp,
    /// Activation of the gate times up, `[n_ff]`.
    FfnActivation,
    /// RMSNorm of the activation, `[n_ff]`; empty without sub-norms.
    FfnSubNorm,
    /// int8 input of the down projection, `[n_ff]`.
    FfnDownQuantize,
    /// Down projection, `[n_embd]`.
    FfnDown,
    /// Residual stream leaving the layer, `[n_embd]`.
    FfnResidual,
}

/// Every operation with its name; the index is its number.
pub const OPS: [(Op, &str); 23] = [
    (Op::AttnNorm, "attn_norm"),
    (Op::AttnQkvQuantize, "attn_qkv_quantize"),
    (Op::AttnQ, "attn_q"),
    (Op::AttnK, "attn_k"),
    (Op::AttnV, "attn_v"),
    (Op::AttnQNorm, "attn_q_norm"),
    (Op::AttnKNorm, "attn_k_norm"),
    (Op::RopeQ, "rope_q"),
    (Op::RopeK, "rope_k"),
    (Op::Attention, "attention"),
    (Op::AttnSubNorm, "attn_sub_norm"),
    (Op::AttnOutputQuantize, "attn_output_quantize"),
    (Op::AttnOutput, "attn_output"),
    (Op::AttnResidual, "attn_residual"),
    (Op::FfnNorm, "ffn_norm"),
    (Op::FfnGateUpQuantize, "ffn_gate_up_quantize"),
    (Op::FfnGate, "ffn_gate"),
    (Op::FfnUp, "ffn_up"),
    (Op::FfnActivation, "ffn_activation"),
    (Op::FfnSubNorm, "ffn_sub_norm"),
    (Op::FfnDownQuantize, "ffn_down_quantize"),
    (Op::FfnDown, "ffn_down"),
    (Op::FfnResidual, "ffn_residual"),
];

impl Op {
    /// Name used in messages.
    pub fn name(self) -> &'static str {
        OPS[self as usize].1
    }

    /// Adds this operation to a fault, as its place.
    pub(crate) fn fault(self) -> impl Fn(Fault) -> OpFault {
        move |fault| OpFault { op: self, fault }
    }
}

/// A non-finite value within an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpFault {
    /// The operation.
    pub op: Op,
    /// The value.
    pub fault: Fault,
}

/// Outputs of one layer at one position; [`Op`] gives the shapes.
#[expect(
    missing_docs,
    reason = "each field is the output of the Op of its name"
)]
pub struct OpOutputs {
    pub attn_norm: Vec<f32>,
    pub attn_qkv_quantize: Vec<i8>,
    pub attn_q: Vec<f32>,
    pub attn_k: Vec<f32>,
    pub attn_v: Vec<f32>,
    pub attn_q_norm: Vec<f32>,
    pub attn_k_norm: Vec<f32>,
    pub rope_q: Vec<f32>,
    pub rope_k: Vec<f32>,
    pub attention: Vec<f32>,
    pub attn_sub_norm: Vec<f32>,
    pub attn_output_quantize: Vec<i8>,
    pub attn_output: Vec<f32>,
    pub attn_residual: Vec<f32>,
    pub ffn_norm: Vec<f32>,
    pub ffn_gate_up_quantize: Vec<i8>,
    pub ffn_gate: Vec<f32>,
    pub ffn_up: Vec<f32>,
    pub ffn_activation: Vec<f32>,
    pub ffn_sub_norm: Vec<f32>,
    pub ffn_down_quantize: Vec<i8>,
    pub ffn_down: Vec<f32>,
    pub ffn_residual: Vec<f32>,
}

impl OpOutputs {
    /// Allocates a buffer for every operation.
    pub fn new(hp: &Hyperparameters) -> Result<Self> {
        let floats = |n| zeroed("operation output", n);
        let bytes = |n| zeroed("operation output", n);
        let (embd, ff, query, key) = (hp.n_embd, hp.n_ff, hp.n_query(), hp.n_key());
        let sub_norm = |n| if hp.architecture.sub_norms { n } else { 0 };
        let head_norm = |n| if hp.architecture.head_norms { n } else { 0 };
        Ok(Self {
            attn_norm: floats(embd)?,
            attn_qkv_quantize: bytes(embd)?,
            attn_q: floats(query)?,
            attn_k: floats(key)?,
            attn_v: floats(key)?,
            attn_q_norm: floats(head_norm(query))?,
            attn_k_norm: floats(head_norm(key))?,
            rope_q: floats(query)?,
            rope_k: floats(key)?,
            attention: floats(query)?,
            attn_sub_norm: floats(sub_norm(query))?,
            attn_output_quantize: bytes(query)?,
            attn_output: floats(embd)?,
            attn_residual: floats(embd)?,
            ffn_norm: floats(embd)?,
            ffn_gate_up_quantize: bytes(embd)?,
            ffn_gate: floats(ff)?,
            ffn_up: floats(ff)?,
            ffn_activation: floats(ff)?,
            ffn_sub_norm: floats(sub_norm(ff))?,
            ffn_down_quantize: bytes(ff)?,
            ffn_down: floats(embd)?,
            ffn_residual: floats(embd)?,
        })
    }

    /// The output of one operation.
    pub fn view(&self, op: Op) -> OpView<'_> {
        match op {
            Op::AttnNorm => OpView::F32(&self.attn_norm),
            Op::AttnQkvQuantize => OpView::I8(&self.attn_qkv_quantize),
            Op::AttnQ => OpView::F32(&self.attn_q),
            Op::AttnK => OpView::F32(&self.attn_k),
            Op::AttnV => OpView::F32(&self.attn_v),
            Op::AttnQNorm => OpView::F32(&self.attn_q_norm),
            Op::AttnKNorm => OpView::F32(&self.attn_k_norm),
            Op::RopeQ => OpView::F32(&self.rope_q),
            Op::RopeK => OpView::F32(&self.rope_k),
            Op::Attention => OpView::F32(&self.attention),
            Op::AttnSubNorm => OpView::F32(&self.attn_sub_norm),
            Op::AttnOutputQuantize => OpView::I8(&self.attn_output_quantize),
            Op::AttnOutput => OpView::F32(&self.attn_output),
            Op::AttnResidual => OpView::F32(&self.attn_residual),
            Op::FfnNorm => OpView::F32(&self.ffn_norm),
            Op::FfnGateUpQuantize => OpView::I8(&self.ffn_gate_up_quantize),
            Op::FfnGate => OpView::F32(&self.ffn_gate),
            Op::FfnUp => OpView::F32(&self.ffn_up),
            Op::FfnActivation => OpView::F32(&self.ffn_activation),
            Op::FfnSubNorm => OpView::F32(&self.ffn_sub_norm),
            Op::FfnDownQuantize => OpView::I8(&self.ffn_down_quantize),
            Op::FfnDown => OpView::F32(&self.ffn_down),
            Op::FfnResidual => OpView::F32(&self.ffn_residual),
        }
    }
}

/// A borrowed operation output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OpView<'a> {
    /// Single-precision values.
    F32(&'a [f32]),
    /// Quantized activations.
    I8(&'a [i8]),
}

impl OpView<'_> {
    /// Bytes per element, 1 or 4.
    pub fn width(&self) -> usize {
        match self {
            OpView::F32(_) => 4,
            OpView::I8(_) => 1,
        }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        match self {
            OpView::F32(values) => values.len(),
            OpView::I8(values) => values.len(),
        }
    }
}
