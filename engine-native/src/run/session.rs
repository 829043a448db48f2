//! A session: the KV cache, buffers and ledgers of one run at a time. All of them are allocated
//! here, none in a step.

use std::sync::Arc;

use super::{
    KvCache, PositionState, Probe, SessionOptions, probe::ProbeSlot, rope_table::RopeTable,
};
use crate::{
    engine::Engine,
    error::RunError,
    ledger::{Isa, Ledger, PositionTrace},
    model::ModelShape,
    observer::Observer,
    screen::ScreenBuffers,
    workers::Scratch,
};

/// Positions per thread that scalar kernels take through a layer together. They are not faster with
/// more, and an observer could not stop them for seconds.
const SCALAR_PREFILL_CHUNK: usize = 16;

/// The state of one run at a time, for any number of runs one after another.
pub struct Session {
    pub(crate) engine: Engine,
    pub(crate) options: SessionOptions,
    pub(crate) rope: RopeTable,
    pub(crate) cache: KvCache,
    /// Positions that go through a layer together.
    pub(crate) states: Vec<PositionState>,
    /// `[n_positions]`; each step takes those that it has filled.
    pub(crate) traces: Vec<PositionTrace>,
    /// `[n_vocab]`
    pub(crate) logits: Vec<f32>,
    /// Present if the engine has a screen.
    pub(crate) screen: Option<ScreenBuffers>,
    /// `[n_threads]`
    pub(crate) scratch: Vec<Scratch>,
    pub(crate) probe: ProbeSlot,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Engine {
    /// Creates a session for runs of at most `options.n_positions` positions, and allocates its KV
    /// cache and buffers.
    ///
    /// # Errors
    /// The context of the model is shorter than that.
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
        let options = match engine.isa() {
            Isa::Scalar => SessionOptions {
                prefill_chunk: options.prefill_chunk.min(SCALAR_PREFILL_CHUNK),
                ..options
            },
            _ => options,
        };
        let n_threads = engine.n_threads();
        let scratch_size = options.scratch_size(engine.model.description(), n_threads);
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
            observer: Arc::new(()),
            options,
            engine,
        })
    }

    /// What the kernels did in the last run, on all threads. Times, if they are taken, are those of
    /// the caller's thread: together with its waiting they add up to the time of the run.
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

    /// Sets whether operations are timed from now on, for a profile. Timed runs are a little
    /// slower.
    pub fn set_timed(&mut self, is_timed: bool) {
        for scratch in &mut self.scratch {
            scratch.ledger.set_timed(is_timed);
        }
    }

    /// Sets the observer of all runs from now on. It can also stop a run in the middle of a step: the
    /// run then ends with [`RunError::Cancelled`], and the session is ready for the next one.
    pub fn set_observer(&mut self, observer: Arc<dyn Observer>) {
        self.observer = observer;
    }

    /// Sets the probe, which sees the output of every operation from now on. Slow.
    pub fn set_probe(&mut self, probe: Probe) {
        self.probe.0 = Some(probe);
    }

    /// Removes the probe.
    pub fn clear_probe(&mut self) {
        self.probe.0 = None;
    }

    /// Prepares the session for a run over `n_positions` positions.
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
