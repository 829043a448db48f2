//! One replay for several runs of one task: whatever threads, kernels and packing they had, the
//! contract is that their transcripts are equal.

use super::{
    loaded::{Loaded, TimedModel},
    measured::Measured,
    proved::{Proof, check_shape, unexplained},
    receipt::parity_record,
    runner::Runner,
};
use crate::{
    digest::Digest,
    failure::RunFailure,
    machine::default_threads,
    receipt::Receipt,
    replay::{ClaimedRun, replay},
    sandbox::{ModelInput, Sandbox},
    task::Task,
};

impl Measured {
    /// Keeps what a receipt needs, and lets go of engine, weights and traces. So a sweep takes the
    /// memory of one run, however many cells it has.
    pub fn settle(self) -> Settled {
        let evidence = &self.attempt.evidence;
        Settled {
            receipt: self.receipt(None),
            task: self.loaded.task.clone(),
            is_uniform: evidence.len() == 1,
        }
    }
}

/// A measured run that waits for its proof.
#[derive(Debug, Clone)]
pub struct Settled {
    /// It does not claim to have been replayed.
    receipt: Receipt,
    task: Task,
    /// Whether all timed repetitions have one transcript.
    is_uniform: bool,
}

impl Settled {
    /// What the engine decoded.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The checksum of the transcript that all timed repetitions have; `None` if they differ.
    pub fn checksum(&self) -> Option<Digest> {
        self.is_uniform.then_some(self.receipt.parity.checksum)
    }

    /// The receipt without a replay. It says so, and proves nothing until a verifier replays the
    /// run.
    pub fn without_proof(self) -> Receipt {
        self.receipt
    }
}

/// A replay that proves every run whose transcript is the reference's.
#[derive(Debug, Clone, Copy)]
pub struct SharedReplay {
    proof: Proof,
}

impl SharedReplay {
    /// Replays the task of `run`, with its tokens as the claim.
    ///
    /// # Errors
    /// The reference failed, or read another shape from the header.
    pub fn of(run: &Settled, model: &TimedModel, sandbox: &Sandbox) -> Result<Self, RunFailure> {
        let (task, file) = (&run.task, &model.file);
        let (tokens, guests) = (&run.receipt.tokens, default_threads());
        let claimed = ClaimedRun::new(&file.model, task, tokens, guests, sandbox.watch());
        let guesses = claimed.as_ref().map(ClaimedRun::guesses);
        let reference = replay(
            sandbox,
            ModelInput::from(&*file.model),
            task,
            tokens,
            guesses,
        )?;
        check_shape(&file.model, &reference.shape)?;
        let proof = Proof {
            checksum: reference.checksum(task, file.sha256),
            fuel: reference.fuel,
            wall_ns: reference.wall.as_nanos() as u64,
        };
        Ok(Self { proof })
    }

    /// Whether the transcript of `run` is the reference's. The checksum covers the model, the task,
    /// what was fed and every value: a run of something else is never proved.
    pub fn proves(&self, run: &Settled) -> bool {
        run.checksum() == Some(self.proof.checksum)
    }

    /// The receipt of a run, with this replay as its proof. `None` if it proves something else.
    pub fn receipt(&self, run: Settled) -> Option<Receipt> {
        if !self.proves(&run) {
            return None;
        }
        let mut receipt = run.receipt;
        receipt.parity = parity_record(receipt.parity.checksum, &run.task, Some(&self.proof));
        receipt.seal();
        Some(receipt)
    }
}

impl Loaded {
    /// Why a run with these settings was not proved by a shared replay: runs it again, without
    /// judging its times, and replays it alone. A difference that does not come again is told
    /// without its place.
    pub fn explain(self, runner: Box<dyn Runner>, sandbox: &Sandbox) -> RunFailure {
        let unexplained = unexplained(&self.task);
        let again = self.measure_unjudged(runner);
        match again.and_then(|measured| measured.prove(sandbox)) {
            Err(failure) => failure,
            Ok(_) => unexplained,
        }
    }
}
