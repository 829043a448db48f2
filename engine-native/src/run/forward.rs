//! The forward pass: a chunk of consecutive positions through all layers, in the order of the
//! contract.

use super::{OpOutput::F32, Session, each_position::each_position, layer::LayerPass};
use crate::{
    error::{RunError, check_cancelled, non_finite},
    kernels::check_finite,
    ledger::Op,
    model::{ModelShape, VocabularyMatrix},
    operands::DenseRows,
};

impl Session {
    /// Feeds `tokens`, at positions from `first` on, through all layers and the final norm. The
    /// hidden states are left in the buffers of the positions.
    ///
    /// # Errors
    /// A value is not finite, or the observer stopped the run.
    pub(crate) fn forward(&mut self, tokens: &[u32], first: usize) -> Result<(), RunError> {
        let work = ChunkWork::new(self.engine.model.shape(), first, tokens.len());
        self.embed(tokens, first);
        for index in 0..self.engine.model.layers().len() {
            check_cancelled(&*self.observer)?;
            self.layer(index, tokens.len()).forward()?;
            self.trace_boundary(index, first, tokens.len())?;
            self.observer.advance(work.of_layer);
        }
        self.final_norm(tokens.len())?;
        self.observer.advance(work.of_rest);
        Ok(())
    }

    fn embed(&mut self, tokens: &[u32], first: usize) {
        let model = &self.engine.model;
        let kernels = &self.engine.kernels;
        let recorder = self.scratch[0].ledger.op(Op::Embed);
        for (i, (state, &token)) in self.states.iter_mut().zip(tokens).enumerate() {
            state.position = first + i;
            let (row, out) = (token as usize, &mut state.residual[..]);
            match model.token_embd() {
                VocabularyMatrix::Dense(matrix) => {
                    let rows = DenseRows::of(matrix, model.file_bytes());
                    kernels.embedding_row(rows.rows(row, 1), out, recorder);
                }
                VocabularyMatrix::Grouped(_) => {
                    let rows = self.engine.panels.token_embd();
                    let rows = rows.expect("grouped matrices are in panels");
                    kernels.grouped_embedding_row(rows, row, out, recorder);
                }
            }
            self.traces[first + i].position = first + i;
            self.traces[first + i].input = token;
        }
        let states = &mut self.states[..tokens.len()];
        self.probe.see(Op::Embed, 0, states, |s| F32(&s.residual));
    }

    fn layer(&mut self, index: usize, n: usize) -> LayerPass<'_> {
        LayerPass {
            engine: &self.engine,
            index,
            weights: &self.engine.model.layers()[index],
            rope: &self.rope,
            cache: &mut self.cache,
            states: &mut self.states[..n],
            scratch: &mut self.scratch,
            probe: &mut self.probe,
            observer: &*self.observer,
        }
    }

    /// Copies the residual streams after a layer into the traces of `n` positions from `first` on.
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

    fn final_norm(&mut self, n: usize) -> Result<(), RunError> {
        let (engine, states) = (&self.engine, &mut self.states[..n]);
        let weight = engine.model.output_norm();
        let epsilon = engine.model.shape().rms_epsilon;
        each_position(engine, states, &mut self.scratch, |state, ledger| {
            let failed = non_finite(state.position, None, Op::OutputNorm);
            let (x, out) = (&state.residual, &mut state.normed);
            let recorder = ledger.op(Op::OutputNorm);
            engine
                .kernels
                .rms_norm(x, weight, epsilon, out, recorder)
                .map_err(&failed)?;
            check_finite(out).map_err(failed)
        })?;
        for state in &self.states[..n] {
            let trace = &mut self.traces[state.position];
            trace.hidden.copy_from_slice(&state.normed);
            trace.choice = None;
        }
        Ok(())
    }
}

/// Work of a chunk of positions, in multiply-accumulates.
struct ChunkWork {
    /// In each layer.
    of_layer: u64,
    /// Before and after the layers, without choices.
    of_rest: u64,
}

impl ChunkWork {
    /// The work at `n` positions from `first` on.
    fn new(shape: &ModelShape, first: usize, n: usize) -> Self {
        let work = |n_positions: usize, is_in_layers: bool| -> u64 {
            let ops = Op::ALL
                .iter()
                .filter(|op| op.is_in_layers() == is_in_layers);
            ops.filter_map(|op| op.work(shape, n_positions as u64, 0))
                .sum()
        };
        Self {
            of_layer: (work(first + n, true) - work(first, true)) / shape.n_layers,
            of_rest: work(n, false),
        }
    }
}
