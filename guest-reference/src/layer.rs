//! One layer at one position: attention branch, then feed-forward branch.

use alloc::vec::Vec;

use crate::attention::{KvCache, attend};
use crate::error::Result;
use crate::loading::LayerSlot;
use crate::memory::zeroed;
use crate::model::{Architecture, Model, Norm, Projection};
use crate::op::{Op, OpFault, OpOutputs};
use crate::ops::{activate, add, rms_norm, rms_norm_heads};
use crate::projection::QuantizedInput;
use crate::rope::Turn;

/// What a layer needs besides its weights and its KV cache; all layers share it.
pub struct LayerWorkspace {
    /// Outputs of the last [`LayerWorkspace::forward`].
    pub outputs: OpOutputs,
    input: QuantizedInput,
    /// Rotation of the position, `[rope_dim / 2]`.
    turns: Vec<Turn>,
    /// `[n_positions]`.
    scores: Vec<f32>,
    architecture: Architecture,
    head_dim: usize,
    eps: f32,
}

impl LayerWorkspace {
    /// Allocates everything for positions 0 to `n_positions - 1`.
    pub fn new(model: &Model, n_positions: usize) -> Result<Self> {
        let hp = &model.hyperparameters;
        let widest = hp.n_embd.max(hp.n_query()).max(hp.n_ff);
        Ok(Self {
            outputs: OpOutputs::new(hp)?,
            input: QuantizedInput::new(widest, model.tensors.has_grouped_projections())?,
            turns: zeroed("rotation", hp.rope_dim / 2)?,
            scores: zeroed("attention scores", n_positions)?,
            architecture: hp.architecture,
            head_dim: hp.head_dim,
            eps: hp.eps,
        })
    }

    /// Runs `residual`, `[n_embd]`, through the layer at position `cache.len()`.
    ///
    /// Residual and cache change only when the whole layer succeeds.
    pub fn forward(
        &mut self,
        weights: &LayerSlot,
        cache: &mut KvCache,
        residual: &mut [f32],
    ) -> Result<(), OpFault> {
        self.attention_branch(weights, cache, residual)?;
        self.feed_forward_branch(weights)?;
        residual.copy_from_slice(&self.outputs.ffn_residual);
        cache.commit();
        Ok(())
    }

    fn attention_branch(
        &mut self,
        weights: &LayerSlot,
        cache: &mut KvCache,
        residual: &[f32],
    ) -> Result<(), OpFault> {
        let (o, input, head_dim) = (&mut self.outputs, &mut self.input, self.head_dim);
        let matrix = |projection| weights.matrix(projection);

        let norm = weights.norm(Norm::Attention);
        rms_norm(residual, norm, self.eps, &mut o.attn_norm).map_err(Op::AttnNorm.fault())?;
        input
            .quantize(&o.attn_norm, &mut o.attn_qkv_quantize)
            .map_err(Op::AttnQkvQuantize.fault())?;
        input.multiply(matrix(Projection::Query), &mut o.attn_q);
        input.multiply(matrix(Projection::Key), &mut o.attn_k);
        input.multiply(matrix(Projection::Value), &mut o.attn_v);

        let (mut query, mut key) = (&o.attn_q, &o.attn_k);
        if self.architecture.head_norms {
            let norm = weights.norm(Norm::QueryHead);
            rms_norm_heads(query, norm, self.eps, &mut o.attn_q_norm)
                .map_err(Op::AttnQNorm.fault())?;
            let norm = weights.norm(Norm::KeyHead);
            rms_norm_heads(key, norm, self.eps, &mut o.attn_k_norm)
                .map_err(Op::AttnKNorm.fault())?;
            (query, key) = (&o.attn_q_norm, &o.attn_k_norm);
        }
        let (rotation, turns) = (&weights.rotation, &mut self.turns);
        rotation.turns(cache.len(), turns);
        rotation.rotate(turns, head_dim, query, &mut o.rope_q);
        rotation.rotate(turns, head_dim, key, &mut o.rope_k);
        cache
            .stage(&o.rope_k, &o.attn_v)
            .map_err(Op::RopeK.fault())?;
        attend(
            &o.rope_q,
            head_dim,
            cache,
            &mut self.scores,
            &mut o.attention,
        )
        .map_err(Op::Attention.fault())?;

        let mut attended = &o.attention;
        if self.architecture.sub_norms {
            let norm = weights.norm(Norm::AttentionSub);
            rms_norm(attended, norm, self.eps, &mut o.attn_sub_norm)
                .map_err(Op::AttnSubNorm.fault())?;
            attended = &o.attn_sub_norm;
        }
        input
            .quantize(attended, &mut o.attn_output_quantize)
            .map_err(Op::AttnOutputQuantize.fault())?;
        input.multiply(matrix(Projection::Output), &mut o.attn_output);
        add(residual, &o.attn_output, &mut o.attn_residual);
        Ok(())
    }

    fn feed_forward_branch(&mut self, weights: &LayerSlot) -> Result<(), OpFault> {
        let (o, input) = (&mut self.outputs, &mut self.input);
        let matrix = |projection| weights.matrix(projection);

        let norm = weights.norm(Norm::FeedForward);
        rms_norm(&o.attn_residual, norm, self.eps, &mut o.ffn_norm).map_err(Op::FfnNorm.fault())?;
        input
            .quantize(&o.ffn_norm, &mut o.ffn_gate_up_quantize)
            .map_err(Op::FfnGateUpQuantize.fault())?;
        input.multiply(matrix(Projection::Gate), &mut o.ffn_gate);
        input.multiply(matrix(Projection::Up), &mut o.ffn_up);
        let activation = self.architecture.activation;
        activate(activation, &o.ffn_gate, &o.ffn_up, &mut o.ffn_activation);

        let mut activated = &o.ffn_activation;
        if self.architecture.sub_norms {
            let norm = weights.norm(Norm::FeedForwardSub);
            rms_norm(activated, norm, self.eps, &mut o.ffn_sub_norm)
                .map_err(Op::FfnSubNorm.fault())?;
            activated = &o.ffn_sub_norm;
        }
        input
            .quantize(activated, &mut o.ffn_down_quantize)
            .map_err(Op::FfnDownQuantize.fault())?;
        input.multiply(matrix(Projection::Down), &mut o.ffn_down);
        add(&o.attn_residual, &o.ffn_down, &mut o.ffn_residual);
        Ok(())
    }
}
