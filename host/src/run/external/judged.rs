//! The reference's judgement of an engine's tokens, for every measurement that has them.

use std::num::NonZeroUsize;

use super::{
    measurement::ExternalMeasurement,
    receipt::{Findings, receipt},
};
use crate::{
    failure::RunFailure,
    input::{HashedModel, ends_of},
    judge::{Claim, Consistency, Judgement, Tolerance},
    receipt::Receipt,
    replay::judge,
    run::{
        RunSettings,
        broken_rule::BrokenRule,
        loaded::check_receipt_size,
        proved::{Proof, check_shape},
    },
    sandbox::Sandbox,
    task::Task,
};

/// Tokens that the reference has judged. They may be rejected: then no receipt is made of them.
#[derive(Debug)]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    task: Task,
    tokens: Vec<u32>,
    proof: Proof,
}

impl Judged {
    /// Judges what an engine claims of the task of `settings`: the reference replays it on `file`, fed the
    /// claimed tokens, with up to `guests` guests at once.
    ///
    /// # Errors
    /// The task does not fit the model or the claim, the claim cannot be judged, or the reference failed.
    pub fn of(
        claim: Claim,
        settings: &RunSettings,
        file: &HashedModel,
        tolerance: Tolerance,
        sandbox: &Sandbox,
        guests: NonZeroUsize,
    ) -> Result<Self, RunFailure> {
        if settings.depth > 0 {
            // The request has the whole prompt, so its time cannot be told from that of the rest.
            return Err(RunFailure::ExternalDepth {
                depth: settings.depth,
            });
        }
        let task = settings.task(&file.model)?;
        let ends = ends_of(&file.model);
        let claim = Claim {
            ends: &ends,
            ..claim
        };
        check(claim, &task, file)?;
        let (reference, judgement) = judge(&task, claim, tolerance, sandbox, &file.model, guests)?;
        check_shape(&file.model, &reference.shape)?;
        Ok(Self {
            judgement,
            proof: Proof {
                checksum: reference.checksum(&task, file.sha256),
                fuel: reference.fuel,
                wall_ns: reference.wall.as_nanos() as u64,
            },
            tokens: claim.tokens.to_vec(),
            task,
        })
    }

    /// Whether all repetitions of `measurement` have these tokens.
    pub fn is_of(&self, measurement: &ExternalMeasurement) -> bool {
        let repetitions = &measurement.repetitions;
        !repetitions.is_empty() && repetitions.iter().all(|r| r.tokens == self.tokens)
    }

    /// The receipt of a measurement whose tokens these are. It is of a consistent run, or there is none.
    ///
    /// # Errors
    /// The tokens are rejected, a repetition has others, or the receipt would break a rule of the verifier.
    pub fn receipt(
        &self,
        measurement: &ExternalMeasurement,
        settings: &RunSettings,
        file: &HashedModel,
    ) -> Result<Receipt, RunFailure> {
        let engine = measurement.engine.name.clone();
        if let Some(mistake) = self.judgement.mistake {
            let why = mistake.to_string();
            return Err(match self.judgement.conclusion {
                Consistency::Unverifiable => RunFailure::Unclear { engine, why },
                _ => RunFailure::Rejected { engine, why },
            });
        }
        steady(measurement)?;
        if !self.is_of(measurement) {
            let why = "its tokens are not those that were judged".into();
            return Err(RunFailure::Rejected { engine, why });
        }
        check_receipt_size(&self.task, measurement.repetitions.len())?;
        let findings = Findings {
            task: &self.task,
            tokens: &self.tokens,
            judgement: &self.judgement,
            proof: &self.proof,
        };
        let receipt = receipt(findings, measurement, settings, file);
        BrokenRule::find(&receipt).map_err(|broken| RunFailure::Refused(broken.to_string()))?;
        Ok(receipt)
    }
}

/// Checks that all repetitions have the tokens of the first. A receipt has one list of tokens, and each of
/// its times is that of this list: an engine that decodes something else each time has no receipt.
///
/// # Errors
/// A repetition has other tokens, or there is none.
pub(super) fn steady(measurement: &ExternalMeasurement) -> Result<(), RunFailure> {
    let repetitions = &measurement.repetitions;
    let first = repetitions.first().map(|r| &r.tokens);
    let engine = || measurement.engine.name.clone();
    let Some(first) = first else {
        let why = "nothing was measured".into();
        return Err(RunFailure::Rejected {
            engine: engine(),
            why,
        });
    };
    for (repetition, other) in repetitions.iter().enumerate() {
        let pairs = first.iter().zip(&other.tokens);
        let differs = pairs.clone().position(|(a, b)| a != b);
        let is_short = first.len() != other.tokens.len();
        if let Some(token) = differs.or(is_short.then(|| pairs.count())) {
            return Err(RunFailure::Unsteady {
                engine: engine(),
                repetition,
                token,
            });
        }
    }
    Ok(())
}

/// Checks that there is something to judge: so many tokens, all in the vocabulary, with logits that say
/// something.
fn check(claim: Claim, task: &Task, file: &HashedModel) -> Result<(), RunFailure> {
    let (found, wanted) = (claim.tokens.len(), task.n_generate);
    if found != wanted {
        return Err(RunFailure::Claim(format!(
            "found {found} tokens, asked for {wanted}"
        )));
    }
    let n_vocab = file.model.shape().n_vocab;
    if let Some(id) = claim.ids().find(|&id| u64::from(id) >= n_vocab) {
        return Err(RunFailure::Claim(format!(
            "found id {id}, the vocabulary has {n_vocab} tokens"
        )));
    }
    claim.check().map_err(|e| RunFailure::Claim(e.to_string()))
}
