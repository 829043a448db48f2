//! The third phase of a run: the reference replays the task, and its values are compared with the
//! native ones.

use engine_native::Model;

use super::{
    compare::{explain, first_divergence},
    measured::Measured,
    runner::Recording,
};
use crate::{
    digest::Digest,
    divergence::{Difference, Divergence},
    failure::RunFailure,
    machine::{default_threads, guests_that_fit},
    replay::{Guesses, Replay, replay},
    sandbox::{GuestShape, ModelInput, Sandbox},
    task::Task,
};

impl Measured {
    /// Replays the task in the sandbox, and compares every timed repetition with the replay, bit
    /// for bit.
    ///
    /// # Errors
    /// The native engine and the reference disagree, or the reference failed.
    pub fn prove(mut self, sandbox: &Sandbox) -> Result<Proved, RunFailure> {
        // The reference may use every CPU.
        self.loaded.pinned = None;
        let model = self.loaded.file.model.clone();
        let input = ModelInput::from(&*model);
        let task = self.loaded.task.clone();
        let Recording { tokens, traces, .. } = &self.attempt.evidence[0].recording;
        let guesses = Guesses {
            traces,
            guests: guests_that_fit(&model, task.n_positions(), default_threads()),
        };
        let reference = replay(sandbox, input, &task, tokens, Some(guesses))?;
        check_shape(&model, &reference.shape)?;
        for index in 0..self.attempt.evidence.len() {
            self.compare(index, &reference, sandbox, input)?;
        }
        let checksum = reference.checksum(&task, self.loaded.file.sha256);
        if self.attempt.evidence.len() != 1 || self.attempt.evidence[0].checksum != checksum {
            return Err(self.unexplained());
        }
        Ok(Proved {
            parity: Some(Proof {
                checksum,
                fuel: reference.fuel,
                wall_ns: reference.wall.as_nanos() as u64,
            }),
            measured: self,
        })
    }

    /// Continues without a replay. The receipt says so, and proves nothing until a verifier replays
    /// the run.
    pub fn without_proof(self) -> Proved {
        Proved {
            measured: self,
            parity: None,
        }
    }

    fn compare(
        &mut self,
        index: usize,
        reference: &Replay,
        sandbox: &Sandbox,
        model: ModelInput,
    ) -> Result<(), RunFailure> {
        let recording = &self.attempt.evidence[index].recording;
        let Some(divergence) = first_divergence(recording, reference) else {
            return Ok(());
        };
        let (task, watch) = (&self.loaded.task, &self.loaded.watch);
        let runner = &mut *self.runner;
        let place = (sandbox, model);
        let divergence = explain(divergence, task, recording, runner, place, watch)?;
        let repetition = self.repetitions().iter().position(|r| r.evidence == index);
        Err(RunFailure::Parity {
            repetition: repetition.unwrap_or(0),
            divergence,
        })
    }

    /// The failure for checksums that differ although all compared values are equal.
    fn unexplained(&self) -> RunFailure {
        unexplained(&self.loaded.task)
    }
}

/// The failure for transcripts of `task` that differ nobody knows where.
pub(super) fn unexplained(task: &Task) -> RunFailure {
    RunFailure::Parity {
        repetition: 0,
        divergence: Divergence {
            position: task.n_positions() - 1,
            layer: None,
            op: None,
            difference: Difference::Transcript,
        },
    }
}

/// Checks that both parsers read the same shape from the header.
pub(super) fn check_shape(model: &Model, reference: &GuestShape) -> Result<(), RunFailure> {
    let native = native_shape(model, reference.n_head_chunks);
    if native == *reference {
        return Ok(());
    }
    Err(RunFailure::Shape {
        native: format!("{native:?}"),
        reference: format!("{reference:?}"),
    })
}

/// The shape that the engine reads, in the guest's form.
fn native_shape(model: &Model, n_head_chunks: u64) -> GuestShape {
    let shape = model.shape();
    GuestShape {
        n_vocab: shape.n_vocab,
        n_embd: shape.n_embd,
        n_layers: shape.n_layers,
        n_heads: shape.n_heads,
        n_kv_heads: shape.n_kv_heads,
        head_dim: shape.head_dim,
        n_ff: shape.n_ff,
        context_length: shape.context_length,
        rope_dim: shape.rope_dim,
        // Only the guest splits the output matrix into chunks.
        n_head_chunks,
        tied: model.is_tied(),
        n_parameters: model.n_parameters(),
    }
}

/// The result of a successful replay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof {
    pub(crate) checksum: Digest,
    pub(crate) fuel: Option<u64>,
    pub(crate) wall_ns: u64,
}

/// A measured run that is ready to become a receipt.
pub struct Proved {
    pub(crate) measured: Measured,
    pub(crate) parity: Option<Proof>,
}
