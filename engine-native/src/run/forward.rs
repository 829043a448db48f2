//! The forward pass: a chunk of consecutive positions through every layer, as the contract says.

use super::{
    OpOutput::{self, F32, I8},
    PositionState, Session,
    attention::Attention,
    linear::{Ends, Projections},
};
use crate::{
    engine::Engine,
    error::{RunError, non_finite},
    kernels::{Kernels, check_finite},
    ledger::{Ledger, Op},
    model::{Activation, ModelShape},
    operands::{DenseRows, QuantizedActivations},
    workers::Scratch,
};

impl Session {
    /// Takes `tokens`, at positions from `first` on, through all layers and the final norm. The
    /// hidden states stay in the buffers of the positions.
    pub(crate) fn forward(&mut self, tokens: &[u32], first: usize) -> Result<(), RunError> {
        self.embed(tokens, first);
        for layer in 0..self.engine.model.layers().len() {
            self.attention_block(layer, tokens.len())?;
            self.ffn_block(layer, tokens.len())?;
            self.trace_boundary(layer, first, tokens.len())?;
        }
        self.final_norm(tokens.len())
    }

    /// Copies what leaves a layer at `n` positions from `first` on.
    fn trace_boundary(&mut self, layer: usize, first: usize, n: usize) -> Result<(), RunError> {
        let n_embd = self.engine.model.shape().n_embd as usize;
        let workers = &self.engine.workers;
        let states = &self.states[..n];
        let traces = &mut self.traces[first..first + n];
        let parts = workers.shares(n * n_embd).split(traces, 1);
        workers.run(parts, &mut self.scratch, |(start, traces), _| {
            for (state, trace) in states[start..].iter().zip(traces) {
                trace.boundaries[layer * n_embd..][..n_embd].copy_from_slice(&state.residual);
            }
            Ok(())
        })
    }

    fn embed(&mut self, tokens: &[u32], first: usize) {
        let model = &self.engine.model;
        let embedding = DenseRows::of(model.token_embd(), model.file_bytes());
        let recorder = self.scratch[0].ledger.op(Op::Embed);
        for (i, (state, &token)) in self.states.iter_mut().zip(tokens).enumerate() {
            state.position = first + i;
            let row = embedding.rows(token as usize, 1);
            let kernels = &self.engine.kernels;
            kernels.embedding_row(row, &mut state.residual, recorder);
            self.traces[first + i].position = first + i;
            self.traces[first + i].input = token;
        }
        self.probe(Op::Embed, 0, tokens.len(), |s| F32(&s.residual));
    }

    fn attention_block(&mut self, index: usize, n: usize) -> Result<(), RunError> {
        let model = self.engine.model.clone();
        let layer = &model.layers()[index];
        self.each_position(n, |s, cx, scratch| {
            let what = NormQuantize {
                ops: (Op::AttnNorm, Op::AttnQkvQuantize),
                layer: index,
                position: s.position,
                weight: Some(&layer.attn_norm),
            };
            let out = (&mut s.normed[..], &mut s.normed_q8);
            cx.norm_quantize(what, &s.residual, out, &mut scratch.ledger)
        })?;
        self.probe(Op::AttnNorm, index, n, |s| F32(&s.normed));
        self.probe(Op::AttnQkvQuantize, index, n, |s| {
            I8(s.normed_q8.quantized())
        });

        let ops = [Op::AttnQ, Op::AttnK, Op::AttnV];
        self.project(n, index, ops, |s| {
            (&s.normed_q8, [&mut s.query, &mut s.key, &mut s.value])
        })?;
        self.probe(Op::AttnQ, index, n, |s| F32(&s.query));
        self.probe(Op::AttnK, index, n, |s| F32(&s.key));
        self.probe(Op::AttnV, index, n, |s| F32(&s.value));

        self.rope_and_store(index, n)?;
        self.probe(Op::RopeQ, index, n, |s| F32(&s.query));
        self.probe(Op::RopeK, index, n, |s| F32(&s.key));
        self.attend(index, n)?;
        self.probe(Op::AttentionValues, index, n, |s| F32(&s.attention));

        self.each_position(n, |s, cx, scratch| {
            let what = NormQuantize {
                ops: (Op::AttnSubNorm, Op::AttnOutputQuantize),
                layer: index,
                position: s.position,
                weight: layer.attn_sub_norm.as_deref(),
            };
            let out = (&mut s.attention_normed[..], &mut s.attention_q8);
            cx.norm_quantize(what, &s.attention, out, &mut scratch.ledger)
        })?;
        if layer.attn_sub_norm.is_some() {
            self.probe(Op::AttnSubNorm, index, n, |s| F32(&s.attention_normed));
        }
        self.probe(Op::AttnOutputQuantize, index, n, |s| {
            I8(s.attention_q8.quantized())
        });
        self.project(n, index, [Op::AttnOutput], |s| {
            (&s.attention_q8, [&mut s.projected])
        })?;
        self.probe(Op::AttnOutput, index, n, |s| F32(&s.projected));
        self.add_residual(Op::AttnResidual, index, n)
    }

    fn ffn_block(&mut self, index: usize, n: usize) -> Result<(), RunError> {
        let model = self.engine.model.clone();
        let layer = &model.layers()[index];
        self.each_position(n, |s, cx, scratch| {
            let what = NormQuantize {
                ops: (Op::FfnNorm, Op::FfnGateUpQuantize),
                layer: index,
                position: s.position,
                weight: Some(&layer.ffn_norm),
            };
            let out = (&mut s.normed[..], &mut s.normed_q8);
            cx.norm_quantize(what, &s.residual, out, &mut scratch.ledger)
        })?;
        self.probe(Op::FfnNorm, index, n, |s| F32(&s.normed));
        self.probe(Op::FfnGateUpQuantize, index, n, |s| {
            I8(s.normed_q8.quantized())
        });

        self.project(n, index, [Op::FfnGate, Op::FfnUp], |s| {
            (&s.normed_q8, [&mut s.gate, &mut s.up])
        })?;
        self.probe(Op::FfnGate, index, n, |s| F32(&s.gate));
        self.probe(Op::FfnUp, index, n, |s| F32(&s.up));

        self.each_position(n, |s, cx, scratch| {
            let recorder = scratch.ledger.op(Op::FfnActivation);
            let (gate, up, out) = (&s.gate, &s.up, &mut s.activated);
            match cx.shape.architecture.activation() {
                Activation::SquaredRelu => cx.kernels.squared_relu_mul(gate, up, out, recorder),
                Activation::Silu => cx.kernels.silu_mul(gate, up, out, recorder),
            }
            let what = NormQuantize {
                ops: (Op::FfnSubNorm, Op::FfnDownQuantize),
                layer: index,
                position: s.position,
                weight: layer.ffn_sub_norm.as_deref(),
            };
            let out = (&mut s.activated_normed[..], &mut s.activated_q8);
            cx.norm_quantize(what, &s.activated, out, &mut scratch.ledger)
        })?;
        self.probe(Op::FfnActivation, index, n, |s| F32(&s.activated));
        if layer.ffn_sub_norm.is_some() {
            self.probe(Op::FfnSubNorm, index, n, |s| F32(&s.activated_normed));
        }
        self.probe(Op::FfnDownQuantize, index, n, |s| {
            I8(s.activated_q8.quantized())
        });
        self.project(n, index, [Op::FfnDown], |s| {
            (&s.activated_q8, [&mut s.projected])
        })?;
        self.probe(Op::FfnDown, index, n, |s| F32(&s.projected));
        self.add_residual(Op::FfnResidual, index, n)
    }

    fn rope_and_store(&mut self, index: usize, n: usize) -> Result<(), RunError> {
        let rope = &self.rope;
        let job = |state: &mut PositionState, cx: &Context, scratch: &mut Scratch| {
            let head_dim = cx.shape.head_dim as usize;
            let (angles, ledger) = (rope.at(state.position), &mut scratch.ledger);
            let recorder = ledger.op(Op::RopeQ);
            cx.kernels
                .rope(&mut state.query, head_dim, angles, recorder);
            let recorder = ledger.op(Op::RopeK);
            cx.kernels.rope(&mut state.key, head_dim, angles, recorder);
            Ok(())
        };
        each_position(&self.engine, &mut self.states[..n], &mut self.scratch, job)?;
        let ledger = &mut self.scratch[0].ledger;
        for state in &self.states[..n] {
            let place = (index, state.position);
            let recorder = ledger.op(Op::KvStore);
            self.cache
                .store(
                    place,
                    (&state.key, &state.value),
                    &*self.engine.kernels,
                    recorder,
                )
                .map_err(non_finite(state.position, Some(index), Op::KvStore))?;
        }
        Ok(())
    }

    fn attend(&mut self, index: usize, n: usize) -> Result<(), RunError> {
        let attention = Attention {
            kernels: &*self.engine.kernels,
            shape: self.engine.model.shape(),
            cache: &self.cache,
            layer: index,
        };
        let (workers, scratch) = (&self.engine.workers, &mut self.scratch[..]);
        match &mut self.states[..n] {
            [state] => attention.one(state, workers, scratch),
            states => attention.several(states, workers, scratch),
        }
    }

    fn add_residual(&mut self, op: Op, index: usize, n: usize) -> Result<(), RunError> {
        self.each_position(n, |state, cx, scratch| {
            let recorder = scratch.ledger.op(op);
            cx.kernels
                .residual_add(&mut state.residual, &state.projected, recorder);
            Ok(())
        })?;
        self.probe(op, index, n, |s| F32(&s.residual));
        Ok(())
    }

    fn final_norm(&mut self, n: usize) -> Result<(), RunError> {
        let model = self.engine.model.clone();
        self.each_position(n, |state, cx, scratch| {
            let failed = non_finite(state.position, None, Op::OutputNorm);
            let (weight, epsilon) = (model.output_norm(), cx.shape.rms_epsilon);
            let recorder = scratch.ledger.op(Op::OutputNorm);
            cx.kernels
                .rms_norm(
                    &state.residual,
                    weight,
                    epsilon,
                    &mut state.normed,
                    recorder,
                )
                .map_err(&failed)?;
            check_finite(&state.normed).map_err(failed)
        })?;
        for state in &self.states[..n] {
            let trace = &mut self.traces[state.position];
            trace.hidden.copy_from_slice(&state.normed);
            trace.choice = None;
        }
        Ok(())
    }

    fn each_position(
        &mut self,
        n: usize,
        job: impl Fn(&mut PositionState, &Context, &mut Scratch) -> Result<(), RunError> + Sync,
    ) -> Result<(), RunError> {
        each_position(&self.engine, &mut self.states[..n], &mut self.scratch, job)
    }

    /// Projections of a layer that follow one another and have the same input.
    fn project<const N: usize>(
        &mut self,
        n: usize,
        layer: usize,
        ops: [Op; N],
        ends: Ends<N>,
    ) -> Result<(), RunError> {
        let engine = &self.engine;
        let projections = Projections { ops, layer, ends };
        projections.run(
            (&engine.model, &engine.decode_weights),
            &*engine.kernels,
            &mut self.states[..n],
            &engine.workers,
            &mut self.scratch,
        )
    }

    fn probe(&mut self, op: Op, layer: usize, n: usize, f: fn(&PositionState) -> OpOutput<'_>) {
        self.probe.see(op, layer, &self.states[..n], f);
    }
}

/// Runs `job` on each position, shared out among the threads.
fn each_position(
    engine: &Engine,
    states: &mut [PositionState],
    scratch: &mut [Scratch],
    job: impl Fn(&mut PositionState, &Context, &mut Scratch) -> Result<(), RunError> + Sync,
) -> Result<(), RunError> {
    let context = Context {
        kernels: &*engine.kernels,
        shape: engine.model.shape(),
    };
    // A few passes over a vector of the widest kind.
    let work = 4 * (context.shape.n_embd + context.shape.n_ff) as usize;
    let shares = engine.workers.shares(states.len() * work);
    engine
        .workers
        .run(shares.split(states, 1), scratch, |(_, states), scratch| {
            states
                .iter_mut()
                .try_for_each(|state| job(state, &context, scratch))
        })
}

/// What the operations of one position share.
struct Context<'a> {
    kernels: &'a dyn Kernels,
    shape: &'a ModelShape,
}

/// The way into a projection: a norm, where the architecture has one, and quantization.
struct NormQuantize<'a> {
    /// The norm and the quantization, as operations.
    ops: (Op, Op),
    layer: usize,
    position: usize,
    /// `[n]`; `None` where there is no norm.
    weight: Option<&'a [f32]>,
}

impl Context<'_> {
    fn norm_quantize(
        &self,
        what: NormQuantize,
        x: &[f32],
        (normed, quantized): (&mut [f32], &mut QuantizedActivations),
        ledger: &mut Ledger,
    ) -> Result<(), RunError> {
        let failed = |op| non_finite(what.position, Some(what.layer), op);
        let epsilon = self.shape.rms_epsilon;
        let x = match what.weight {
            None => x,
            Some(weight) => {
                let recorder = ledger.op(what.ops.0);
                self.kernels
                    .rms_norm(x, weight, epsilon, normed, recorder)
                    .map_err(failed(what.ops.0))?;
                normed
            }
        };
        self.kernels
            .quantize(x, quantized, ledger.op(what.ops.1))
            .map_err(failed(what.ops.1))
    }
}
