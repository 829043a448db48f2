//! What a decode step reads from memory, operation by operation: the one place that knows.

use crate::{engine::Engine, kv_cache::KvType, op::Op};

impl Engine {
    /// Bytes that the decode step at `position` reads: weights as this engine arranges them, one row
    /// of the embedding, and the KV cache up to this position.
    pub fn bytes_per_token(&self, kv_type: KvType, position: usize) -> u64 {
        let ops = Op::ALL.iter();
        ops.map(|&op| self.bytes_per_op(op, kv_type, position))
            .sum()
    }

    /// The part of [`Engine::bytes_per_token`] that `op` reads, in all layers together. Activations
    /// stay in a cache and are not counted; heads that share keys and values read them once.
    pub fn bytes_per_op(&self, op: Op, kv_type: KvType, position: usize) -> u64 {
        let (model, shape) = (&*self.model, self.model.shape());
        let norm = |weight: Option<&[f32]>| weight.map_or(0, size_of_val);
        let layers = model.layers().iter();
        let bytes: usize = match op {
            Op::Embed => model.token_embd().row_bytes(),
            Op::AttnNorm => layers.map(|l| norm(Some(&l.attn_norm))).sum(),
            Op::AttnSubNorm => layers.map(|l| norm(l.attn_sub_norm.as_deref())).sum(),
            Op::FfnNorm => layers.map(|l| norm(Some(&l.ffn_norm))).sum(),
            Op::FfnSubNorm => layers.map(|l| norm(l.ffn_sub_norm.as_deref())).sum(),
            Op::OutputNorm => norm(Some(model.output_norm())),
            op if op.is_projection() => (0..model.layers().len())
                .map(|layer| self.decode_weights.rows(model, layer, op).packed.len())
                .sum(),
            Op::AttentionScores | Op::AttentionValues => {
                let heads = (shape.n_layers * shape.n_kv_heads * shape.head_dim) as usize;
                (position + 1) * heads * kv_type.bytes()
            }
            Op::Output => model.output().rows(model.file_bytes()).len(),
            _ => 0,
        };
        bytes as u64
    }
}
