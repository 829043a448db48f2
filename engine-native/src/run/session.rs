//! One run's state: KV cache, buffers, ledgers. What a step computes in is allocated here.

use super::{
    KvCache, PositionState, Probe, SessionOptions, probe::ProbeSlot, rope_table::RopeTable,
};
use crate::{
    engine::Engine,
    error::RunError,
    ledger::{Ledger, PositionTrace},
    model::ModelShape,
    screen::ScreenBuffers,
    workers::Scratch,
};

/// State of one run at a time.
pub struct Session {
    pub(crate) engine: Engine,
    pub(crate) options: SessionOptions,
    pub(crate) rope: RopeTable,
    pub(crate) cache: KvCache,
    /// `[prefill_chunk]`
    pub(crate) states: Vec<PositionState>,
    /// `[n_positions]`; taken by the steps that filled them.
    pub(crate) traces: Vec<PositionTrace>,
    /// `[n_vocab]`
    pub(crate) logits: Vec<f32>,
    /// Where the engine has a screen.
    pub(crate) screen: Option<ScreenBuffers>,
    /// `[n_threads]`
    pub(crate) scratch: Vec<Scratch>,
    pub(crate) probe: ProbeSlot,
}

impl Engine {
    /// Buffers and KV cache for runs of at most `options.n_positions` positions.
    ///
    /// # Errors
    /// The model's context is shorter.
    pub fn session(&self, options: SessionOptions) -> Result<Session, RunError> {
        Session::new(self.clone(), options)
    }
}

impl Session {
    fn new(engine: Engine, options: SessionOptions) -> Result<Self, RunError> {
        let shape = engine.model.shape();
        if options.n_positions as u64 > shape.context_length {
            return Err(RunError::Context {
                n_prompt: options.n_positions,
                n_generate: 0,
                needed: options.n_positions as u64,
                allowed: shape.context_length,
            });
        }
        let n_threads = engine.n_threads();
        let scratch_size = options.scratch_size(shape, n_threads);
        Ok(Self {
            rope: RopeTable::new(&engine.model, options.n_positions),
            cache: KvCache::new(shape, options.kv_type, options.n_positions),
            states: (0..options.n_states(n_threads))
                .map(|_| PositionState::with_shape(shape))
                .collect(),
            traces: Vec::new(),
            logits: vec![0.0; shape.n_vocab as usize],
            screen: engine
                .screen
                .as_ref()
                .map(|_| ScreenBuffers::new(shape.n_vocab as usize, shape.n_embd as usize)),
            scratch: (0..n_threads).map(|_| Scratch::new(scratch_size)).collect(),
            probe: ProbeSlot::default(),
            options,
            engine,
        })
    }

    /// What the kernels of the last run did, all threads together. Times, if they are taken, are
    /// those of the caller's thread, so that they and what it waited add up to the run's.
    pub fn ledger(&self) -> Ledger {
        let [first, others @ ..] = &self.scratch[..] else {
            unreachable!("an engine has a thread");
        };
        let mut total = first.ledger.clone();
        for scratch in others {
            total.merge(&scratch.ledger);
        }
        total
    }

    /// Whether operations are timed from now on, for a profile; a run takes a little longer then.
    pub fn set_timed(&mut self, is_timed: bool) {
        for scratch in &mut self.scratch {
            scratch.ledger.set_timed(is_timed);
        }
    }

    /// Shows `probe` the output of every operation from now on; slow.
    pub fn set_probe(&mut self, probe: Probe) {
        self.probe.0 = Some(probe);
    }

    /// Stops showing outputs.
    pub fn clear_probe(&mut self) {
        self.probe.0 = None;
    }

    /// Makes the session ready for a run over `n_positions`.
    pub(crate) fn reset(&mut self, n_positions: usize) {
        let shape = self.engine.model.shape();
        self.traces.resize_with(n_positions, || empty_trace(shape));
        for trace in &mut self.traces {
            if trace.hidden.is_empty() {
                *trace = empty_trace(shape);
            }
        }
        for scratch in &mut self.scratch {
            scratch.ledger.clear();
        }
        if let Some(screen) = &mut self.screen {
            screen.reset();
        }
    }
}

/// A trace with room for the values of one position.
fn empty_trace(shape: &ModelShape) -> PositionTrace {
    let n_embd = shape.n_embd as usize;
    PositionTrace {
        boundaries: vec![0.0; shape.n_layers as usize * n_embd],
        hidden: vec![0.0; n_embd],
        ..PositionTrace::default()
    }
}
