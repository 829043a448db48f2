//! One run's state: KV cache, buffers, ledgers. What a step computes in is allocated here.

use crate::{
    attention::{Attention, MAX_POSITIONS},
    choice::ScreenBuffers,
    engine::Engine,
    error::RunError,
    generation::Generation,
    kv_cache::{KvCache, KvType},
    ledger::Ledger,
    model::ModelShape,
    position::{PositionState, PositionTrace},
    probe::{Probe, ProbeSlot},
    rope_table::RopeTable,
    workers::{Scratch, ScratchSize},
};

/// Positions that prefill takes through a layer together, for each thread: weights are unpacked once
/// for so many, whose activations still fit a cache.
const PREFILL_CHUNK: usize = 256;

/// Where logits are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogitsAt {
    /// Only where a token is chosen: a benchmark.
    #[default]
    ChoosingPositions,
    /// Everywhere, and handed out with each step.
    EveryPosition,
}

/// How a session is set up.
#[derive(Debug, Clone, Copy)]
pub struct SessionOptions {
    /// Element type of the KV cache.
    pub kv_type: KvType,
    /// Positions that fit.
    pub n_positions: usize,
    /// Where logits are computed.
    pub logits: LogitsAt,
    /// Positions from this one on choose a token each, beside the last of a step: what is fed after
    /// them may be a claim.
    pub choose_from: usize,
    /// Positions that prefill takes through a layer together, for each thread, at least 1. The result
    /// is the same for every value.
    pub prefill_chunk: usize,
}

impl SessionOptions {
    /// The defaults for `n_positions`.
    pub fn new(n_positions: usize) -> Self {
        Self {
            kv_type: KvType::default(),
            n_positions,
            logits: LogitsAt::default(),
            choose_from: usize::MAX,
            prefill_chunk: PREFILL_CHUNK,
        }
    }
}

impl SessionOptions {
    /// Bytes that a session of `n_threads` threads on a model of `shape` allocates, small things
    /// aside.
    pub fn bytes_needed(&self, shape: &ModelShape, n_threads: usize) -> u64 {
        // Validated shapes and any number of positions: far below 2^128.
        let [embd, ff, layers] = [shape.n_embd, shape.n_ff, shape.n_layers].map(u128::from);
        let q = u128::from(shape.n_heads) * u128::from(shape.head_dim);
        let kv = u128::from(shape.n_kv_heads) * u128::from(shape.head_dim);
        let positions = self.n_positions as u128;
        let chunk = self.n_states(n_threads) as u128;
        let cache = 2 * layers * kv * positions * self.kv_type.bytes() as u128;
        let traces = positions * (layers + 1) * embd * 4;
        let angles = positions * u128::from(shape.rope_dim) * 4;
        let states = chunk * (13 * embd + 9 * q + 8 * kv + 17 * ff);
        let logits = u128::from(shape.n_vocab) * 4;
        let scratch = self.scratch_size(shape, n_threads).bytes() * n_threads as u128;
        u64::try_from(cache + traces + angles + states + logits + scratch).unwrap_or(u64::MAX)
    }

    /// Positions that go through a layer together.
    fn n_states(&self, n_threads: usize) -> usize {
        let chunk = self.prefill_chunk.max(1).saturating_mul(n_threads);
        chunk.min(self.n_positions.max(1))
    }

    fn scratch_size(&self, shape: &ModelShape, n_threads: usize) -> ScratchSize {
        ScratchSize {
            n_positions: self.n_positions,
            n_queries: Attention::group(shape) * MAX_POSITIONS.min(self.n_states(n_threads)),
            head_dim: shape.head_dim as usize,
            n_cols: longest_row(shape) as usize,
            gemm_positions: self.n_states(n_threads).div_ceil(n_threads),
        }
    }
}

/// Columns of the widest projection.
fn longest_row(shape: &ModelShape) -> u64 {
    let attention = shape.n_heads * shape.head_dim;
    shape.n_embd.max(shape.n_ff).max(attention)
}

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

impl Session {
    pub(crate) fn new(engine: Engine, options: SessionOptions) -> Result<Self, RunError> {
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

    /// Decodes `n_tokens` greedily after `prompt`. The first step is the whole prefill, which
    /// chooses the first token; each further one feeds the last token and chooses the next. Starts
    /// from position 0 with an empty KV cache and ledger.
    ///
    /// # Errors
    /// The prompt is empty or has an unknown id, or the run does not fit the session.
    pub fn generate(
        &mut self,
        prompt: &[u32],
        n_tokens: usize,
    ) -> Result<Generation<'_>, RunError> {
        Generation::new(self, prompt, n_tokens)
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
        self.traces
            .resize_with(n_positions, || PositionTrace::with_shape(shape));
        for trace in &mut self.traces {
            if trace.hidden.is_empty() {
                *trace = PositionTrace::with_shape(shape);
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
