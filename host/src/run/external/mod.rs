//! Runs of other engines: somebody measures them by this machine's clock, the reference judges their tokens,
//! and a receipt is made only of what is consistent.
//!
//! [`Judged`] can make the receipts of several measurements with the same tokens. [`prove`] does both for one.

mod judged;
mod measurement;
mod receipt;

use std::num::NonZeroUsize;

pub use judged::Judged;
pub use measurement::{ExternalMeasurement, ExternalRepetition};

use super::RunSettings;
use crate::{
    failure::RunFailure,
    input::HashedModel,
    judge::{Claim, Judgement, Tolerance},
    receipt::Receipt,
    sandbox::Sandbox,
};

/// A measurement that the reference found consistent.
#[derive(Debug)]
pub struct ExternalProved {
    /// Its receipt.
    pub receipt: Receipt,
    /// How its tokens were judged.
    pub judgement: Judgement,
}

/// Judges the tokens of `measurement`, and makes its receipt if they are consistent. The prompt, the number of
/// tokens and the type of the KV cache are those of `settings`; the model is `file`.
///
/// # Errors
/// As for [`Judged::of`] and [`Judged::receipt`].
pub fn prove(
    measurement: &ExternalMeasurement,
    settings: &RunSettings,
    file: &HashedModel,
    tolerance: Tolerance,
    sandbox: &Sandbox,
    guests: NonZeroUsize,
) -> Result<ExternalProved, RunFailure> {
    judged::steady(measurement)?;
    let first = &measurement.repetitions[0];
    let judged = Judged::of(first.claim(), settings, file, tolerance, sandbox, guests)?;
    let receipt = judged.receipt(measurement, settings, file)?;
    let judgement = judged.judgement;
    Ok(ExternalProved { receipt, judgement })
}

impl ExternalRepetition {
    /// What the engine says of its tokens.
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            tokens: &self.tokens,
            top_logits: self.top_logits.as_deref(),
            // The model's, which the judge knows.
            ends: &[],
        }
    }
}
