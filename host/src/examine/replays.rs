//! Replays that many receipts share: the tokens of a task do not depend on threads, kernels or times.

use std::collections::HashMap;

use crate::{
    digest::Digest,
    receipt::Receipt,
    sandbox::SandboxError,
    task::Transcript,
    verify::{ReplayFailure, ReplayResult},
};

/// The result of a replay, as a verifier takes it.
type Outcome = Result<ReplayResult, ReplayFailure>;

/// Replays by their task: the start of the transcript, which commits to model, KV type, challenge,
/// prompt and count, and the layout of I2_S tensors.
#[derive(Debug, Default)]
pub struct Replays {
    by_task: HashMap<(Digest, Option<String>), Vec<Known>>,
    n_computed: usize,
}

/// A replay that was computed.
#[derive(Debug)]
struct Known {
    /// The tokens that the reference was fed.
    fed: Vec<u32>,
    outcome: Outcome,
}

impl Known {
    /// Whether the reference chose every token that it was fed, so that this is its own decode of the
    /// task, which any receipt of the task must have.
    fn is_own_decode(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|o| o.tokens == self.fed)
    }
}

impl Replays {
    /// How many replays were computed.
    pub fn n_computed(&self) -> usize {
        self.n_computed
    }

    /// The replay of the task of `r`: one that is known, or the one that `compute` computes. `r` must be
    /// of the model that is replayed.
    ///
    /// # Errors
    /// Those of `compute`, and nothing is kept then.
    pub fn of(
        &mut self,
        r: &Receipt,
        compute: impl FnOnce() -> Result<Outcome, SandboxError>,
    ) -> Result<Outcome, SandboxError> {
        let Some(task) = r.task() else {
            return compute();
        };
        let start = Transcript::new(&task.transcript_start(r.model.sha256)).checksum();
        let known = self.by_task.entry((start, r.model.i2s_layout.clone()));
        let known = known.or_default();
        // Wrong tokens of one receipt decide nothing about another one.
        if let Some(known) = known
            .iter()
            .find(|k| k.is_own_decode() || k.fed == r.tokens)
        {
            return Ok(known.outcome.clone());
        }
        let outcome = compute()?;
        self.n_computed += 1;
        known.push(Known {
            fed: r.tokens.clone(),
            outcome: outcome.clone(),
        });
        Ok(outcome)
    }
}
