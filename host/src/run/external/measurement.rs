//! What was measured of another engine.

use crate::receipt::{EngineRecord, Evidence};

/// All timed repetitions of a task by another engine.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalMeasurement {
    /// The engine.
    pub engine: EngineRecord,
    /// Nanoseconds until the engine was ready to answer; 1 if it was running already.
    pub load_ns: u64,
    /// Its threads.
    pub threads: usize,
    /// Untimed runs of another prompt before the first timed one.
    pub warmup: usize,
    /// The timed runs, at least one, in their order.
    pub repetitions: Vec<ExternalRepetition>,
    /// The system before and after them, as [`crate::machine::Observation`] saw it.
    pub system: Evidence,
}

/// One timed run of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalRepetition {
    /// The tokens that the engine chose, `[n_generate]`.
    pub tokens: Vec<u32>,
    /// Nanoseconds from the request to the arrival of the first token.
    pub prefill_ns: u64,
    /// Nanoseconds from each token's arrival to that of the next one, `[n_generate − 1]`. What arrives
    /// together shares the time.
    pub decode_ns: Vec<u64>,
    /// The engine's largest logits, or log-probabilities, at each token: id and value,
    /// `[n_generate][k]`; `None` if it does not show them.
    pub top_logits: Option<Vec<Vec<(u32, f32)>>>,
}
