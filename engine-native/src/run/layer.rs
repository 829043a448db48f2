//! One layer over a chunk of positions: attention branch, then feed-forward branch.

use super::{
    KvCache,
    OpOutput::{self, F32, I8},
    PositionState,
    attention::Attention,
    each_position::each_position,
    linear::{Ends, Projections},
    probe::ProbeSlot,
    rope_table::RopeTable,
};
use crate::{
    engine::Engine,
    error::{RunError, non_finite},
    ledger::{Ledger, Op},
    model::{Activation, Layer},
    observer::Observer,
    operands::QuantizedActivations,
    workers::Scratch,
};

/// One layer with everything that a chunk of positions needs to pass through it.
///
/// Each operation has a method, which also reports its output to the probe.
pub(super) struct LayerPass<'a> {
    pub engine: &'a Engine,
    pub index: usize,
    pub weights: &'a Layer,
    pub rope: &'a RopeTable,
    pub cache: &'a mut KvCache,
    /// The positions of the chunk.
    pub states: &'a mut [PositionState],
    /// `[n_threads]`
    pub scratch: &'a mut [Scratch],
    pub probe: &'a mut ProbeSlot,
    pub observer: &'a dyn Observer,
}

impl LayerPass<'_> {
    /// Sends the residual streams through the layer.
    pub(super) fn forward(&mut self) -> Result<(), RunError> {
        self.attention_branch()?;
        self.feed_forward_branch()
    }

    fn attention_branch(&mut self) -> Result<(), RunError> {
        let weights = self.weights;
        self.norm_quantize(NormQuantize {
            ops: [Op::AttnNorm, Op::AttnQkvQuantize],
            weight: Some(&weights.attn_norm),
            buffers: |s| (&s.residual, &mut s.normed, &mut s.normed_q8),
        })?;
        self.bit_linear([Op::AttnQ, Op::AttnK, Op::AttnV], |s| {
            (&s.normed_q8, [&mut s.query, &mut s.key, &mut s.value])
        })?;
        self.norm_heads()?;
        self.rope()?;
        self.store_kv()?;
        self.attend()?;
        self.norm_quantize(NormQuantize {
            ops: [Op::AttnSubNorm, Op::AttnOutputQuantize],
            weight: weights.attn_sub_norm.as_deref(),
            buffers: |s| (&s.attention, &mut s.attention_normed, &mut s.attention_q8),
        })?;
        self.bit_linear([Op::AttnOutput], |s| (&s.attention_q8, [&mut s.projected]))?;
        self.add_residual(Op::AttnResidual)
    }

    fn feed_forward_branch(&mut self) -> Result<(), RunError> {
        let weights = self.weights;
        self.norm_quantize(NormQuantize {
            ops: [Op::FfnNorm, Op::FfnGateUpQuantize],
            weight: Some(&weights.ffn_norm),
            buffers: |s| (&s.residual, &mut s.normed, &mut s.normed_q8),
        })?;
        self.bit_linear([Op::FfnGate, Op::FfnUp], |s| {
            (&s.normed_q8, [&mut s.gate, &mut s.up])
        })?;
        self.activate_norm_quantize(NormQuantize {
            ops: [Op::FfnSubNorm, Op::FfnDownQuantize],
            weight: weights.ffn_sub_norm.as_deref(),
            buffers: |s| (&s.activated, &mut s.activated_normed, &mut s.activated_q8),
        })?;
        self.bit_linear([Op::FfnDown], |s| (&s.activated_q8, [&mut s.projected]))?;
        self.add_residual(Op::FfnResidual)
    }

    fn norm_quantize(&mut self, step: NormQuantize) -> Result<(), RunError> {
        self.each_position(|state, engine, ledger, layer| step.run(state, engine, ledger, layer))?;
        self.report_norm_quantize(&step);
        Ok(())
    }

    /// The activation of the gate, then a norm and quantization, all in one pass over the
    /// positions: the vectors are long, and stay in a cache this way.
    fn activate_norm_quantize(&mut self, step: NormQuantize) -> Result<(), RunError> {
        self.each_position(|state, engine, ledger, layer| {
            activate(state, engine, ledger);
            step.run(state, engine, ledger, layer)
        })?;
        self.report(Op::FfnActivation, |s| F32(&s.activated));
        self.report_norm_quantize(&step);
        Ok(())
    }

    fn report_norm_quantize(&mut self, step: &NormQuantize) {
        if step.weight.is_some() {
            self.report(step.ops[0], |s| F32((step.buffers)(s).1));
        }
        self.report(step.ops[1], |s| I8((step.buffers)(s).2.quantized()));
    }

    /// Consecutive projections with the same input.
    fn bit_linear<const N: usize>(&mut self, ops: [Op; N], ends: Ends<N>) -> Result<(), RunError> {
        let layer = self.index;
        let projections = Projections { ops, layer, ends };
        projections.run(self.engine, self.states, self.scratch, self.observer)?;
        for (i, op) in ops.into_iter().enumerate() {
            self.report(op, |s| F32(projections.ends_of(s, i).1));
        }
        Ok(())
    }

    /// The norms of query and key heads, if the architecture has them.
    fn norm_heads(&mut self) -> Result<(), RunError> {
        let weights = [&self.weights.attn_q_norm, &self.weights.attn_k_norm];
        let [Some(of_queries), Some(of_keys)] = weights else {
            return Ok(());
        };
        self.each_position(|state, engine, ledger, layer| {
            let epsilon = engine.model.shape().rms_epsilon;
            let position = state.position;
            // Attention is not computed yet: its place serves for the norm of a head.
            let normed = &mut state.attention[..of_queries.len()];
            let heads = [
                (Op::AttnQNorm, &mut state.query, of_queries),
                (Op::AttnKNorm, &mut state.key, of_keys),
            ];
            for (op, heads, weight) in heads {
                let recorder = ledger.op(op);
                for head in heads.chunks_exact_mut(weight.len()) {
                    engine
                        .kernels
                        .rms_norm(head, weight, epsilon, normed, recorder)
                        .map_err(non_finite(position, Some(layer), op))?;
                    head.copy_from_slice(normed);
                }
            }
            Ok(())
        })?;
        self.report(Op::AttnQNorm, |s| F32(&s.query));
        self.report(Op::AttnKNorm, |s| F32(&s.key));
        Ok(())
    }

    fn rope(&mut self) -> Result<(), RunError> {
        let rope = self.rope;
        self.each_position(|state, engine, ledger, _| {
            let head_dim = engine.model.shape().head_dim as usize;
            let angles = rope.at(state.position);
            for (op, heads) in [(Op::RopeQ, &mut state.query), (Op::RopeK, &mut state.key)] {
                engine.kernels.rope(heads, head_dim, angles, ledger.op(op));
            }
            Ok(())
        })?;
        self.report(Op::RopeQ, |s| F32(&s.query));
        self.report(Op::RopeK, |s| F32(&s.key));
        Ok(())
    }

    fn store_kv(&mut self) -> Result<(), RunError> {
        let kernels = &*self.engine.kernels;
        for state in &*self.states {
            let place = (self.index, state.position);
            let recorder = self.scratch[0].ledger.op(Op::KvStore);
            self.cache
                .store(place, (&state.key, &state.value), kernels, recorder)
                .map_err(non_finite(state.position, Some(self.index), Op::KvStore))?;
        }
        Ok(())
    }

    fn attend(&mut self) -> Result<(), RunError> {
        let attention = Attention {
            engine: self.engine,
            cache: self.cache,
            layer: self.index,
        };
        attention.run(self.states, self.scratch, self.observer)?;
        self.report(Op::AttentionValues, |s| F32(&s.attention));
        Ok(())
    }

    fn add_residual(&mut self, op: Op) -> Result<(), RunError> {
        self.each_position(|state, engine, ledger, _| {
            let (residual, recorder) = (&mut state.residual, ledger.op(op));
            engine
                .kernels
                .residual_add(residual, &state.projected, recorder);
            Ok(())
        })?;
        self.report(op, |s| F32(&s.residual));
        Ok(())
    }

    /// Runs `job` on each position with the engine, the ledger of its thread and the layer's index.
    fn each_position(
        &mut self,
        job: impl Fn(&mut PositionState, &Engine, &mut Ledger, usize) -> Result<(), RunError> + Sync,
    ) -> Result<(), RunError> {
        let (engine, layer) = (self.engine, self.index);
        each_position(engine, self.states, self.scratch, |state, ledger| {
            job(state, engine, ledger, layer)
        })
    }

    /// Reports the output of `op` at each position to the probe.
    fn report(&mut self, op: Op, output: impl Fn(&mut PositionState) -> OpOutput<'_>) {
        self.probe.see(op, self.index, self.states, output);
    }
}

/// The input, the output of the norm and the output of the quantization, `[n]` each.
type NormBuffers<'s> = (&'s [f32], &'s mut [f32], &'s mut QuantizedActivations);

/// The steps before a projection: a norm, if the architecture has one, and quantization.
struct NormQuantize<'a> {
    /// The norm and the quantization.
    ops: [Op; 2],
    /// Weight of the norm, `[n]`; `None` if there is no norm.
    weight: Option<&'a [f32]>,
    buffers: fn(&mut PositionState) -> NormBuffers<'_>,
}

impl NormQuantize<'_> {
    fn run(
        &self,
        state: &mut PositionState,
        engine: &Engine,
        ledger: &mut Ledger,
        layer: usize,
    ) -> Result<(), RunError> {
        let [norm, quantize] = self.ops;
        let position = state.position;
        let failed = |op| non_finite(position, Some(layer), op);
        let epsilon = engine.model.shape().rms_epsilon;
        let (mut x, normed, quantized) = (self.buffers)(state);
        if let Some(weight) = self.weight {
            engine
                .kernels
                .rms_norm(x, weight, epsilon, normed, ledger.op(norm))
                .map_err(failed(norm))?;
            x = normed;
        }
        let (kernels, recorder) = (&engine.kernels, ledger.op(quantize));
        match engine.model.description().has_grouped_projections {
            true => kernels.quantize_blocks(x, quantized, recorder),
            false => kernels.quantize(x, quantized, recorder),
        }
        .map_err(failed(quantize))
    }
}

fn activate(state: &mut PositionState, engine: &Engine, ledger: &mut Ledger) {
    let recorder = ledger.op(Op::FfnActivation);
    let (gate, up, out) = (&state.gate, &state.up, &mut state.activated);
    let kernels = &*engine.kernels;
    match engine.model.shape().architecture.activation() {
        Activation::SquaredRelu => kernels.squared_relu_mul(gate, up, out, recorder),
        Activation::Silu => kernels.silu_mul(gate, up, out, recorder),
    }
}
