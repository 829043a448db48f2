//! Memory traffic of decode steps, by operation.

use std::ops::Range;

use crate::{engine::Engine, ledger::Op, model::KvType, operands::RefineRows, run::ProjectionRows};

impl Engine {
    /// Bytes that `op` reads in the decode steps at `positions`, in all layers together: weights in
    /// the layout of this engine, one row of the embedding per step, and the KV cache up to each
    /// position. `macs` are the multiply-accumulates of `op` in these steps. Activations stay in a
    /// cache and are not counted. Heads that share keys and values read them once.
    pub fn bytes_read(&self, op: Op, kv_type: KvType, positions: Range<usize>, macs: u64) -> u64 {
        let (model, shape) = (&*self.model, self.model.shape());
        let norm = |weight: Option<&[f32]>| weight.map_or(0, size_of_val);
        let layers = model.layers().iter();
        let each_step: usize = match op {
            Op::Embed => model.token_embd().row_bytes(),
            Op::AttnNorm => layers.map(|l| norm(Some(&l.attn_norm))).sum(),
            Op::AttnQNorm => layers.map(|l| norm(l.attn_q_norm.as_deref())).sum(),
            Op::AttnKNorm => layers.map(|l| norm(l.attn_k_norm.as_deref())).sum(),
            Op::AttnSubNorm => layers.map(|l| norm(l.attn_sub_norm.as_deref())).sum(),
            Op::FfnNorm => layers.map(|l| norm(Some(&l.ffn_norm))).sum(),
            Op::FfnSubNorm => layers.map(|l| norm(l.ffn_sub_norm.as_deref())).sum(),
            Op::OutputNorm => norm(Some(model.output_norm())),
            op if op.is_projection() => (0..model.layers().len())
                .map(|layer| ProjectionRows::for_one(self, layer, op).bytes())
                .sum(),
            Op::AttentionScores | Op::AttentionValues => {
                let heads = shape.n_layers * shape.n_kv_heads * shape.head_dim;
                let each_position = heads * kv_type.bytes() as u64;
                return positions.map(|p| (p as u64 + 1) * each_position).sum();
            }
            // For these the traffic depends on how many rows were left, and so on the work done.
            Op::Output => {
                return macs / shape.n_embd * model.output().row_bytes() as u64;
            }
            Op::OutputScreen => {
                let screen = self.screen.as_ref().map_or(0, |screen| screen.n_bytes());
                return macs / (shape.n_vocab * shape.n_embd) * screen as u64;
            }
            Op::OutputRefine => {
                let row_bytes = RefineRows::row_bytes(shape.n_embd as usize) as u64;
                return macs / shape.n_embd * row_bytes;
            }
            _ => 0,
        };
        positions.len() as u64 * each_step as u64
    }
}
