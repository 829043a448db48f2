//! The least work of a run's phases, derived from the shape alone.

use super::rules::work::Work;
use crate::receipt::Receipt;

/// Lower bounds on what a phase of a run computes and reads, whatever its kernels do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeastWork {
    /// Multiply-accumulates.
    pub macs: f64,
    /// Bytes of weights, keys and values.
    pub bytes: f64,
}

impl LeastWork {
    /// Of the timed prefill of `r`, with the choice of the first token. `None` if the receipt's shape has no
    /// such work.
    pub fn of_prefill(r: &Receipt) -> Option<Self> {
        let work = Work::of(r).ok()?;
        let n_prompt = r.run.prompt_ids.len() as u64;
        Some(Self {
            macs: work.macs(&(r.depth().min(n_prompt)..n_prompt), 1)? as f64,
            bytes: work.bytes(n_prompt)?,
        })
    }

    /// Of all decode steps of a repetition of `r`. `None` if there are none, or the receipt's shape has
    /// no such work.
    pub fn of_decode(r: &Receipt) -> Option<Self> {
        let work = Work::of(r).ok()?;
        let first = r.run.prompt_ids.len() as u64;
        let end = first.checked_add(r.run.tokens.checked_sub(1)?)?;
        let steps = end - first;
        // Keys and values grow with every step; their average is that of the middle step.
        let bytes = work.bytes(first + steps / 2)? * steps as f64;
        let macs = work.macs(&(first..end), steps)? as f64;
        (steps > 0).then_some(Self { macs, bytes })
    }
}
