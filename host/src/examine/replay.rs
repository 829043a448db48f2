//! Replays a receipt: the reference computes its task, with the receipt's tokens as the claim.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;

use crate::{
    judge::Claim,
    receipt::Receipt,
    replay::{ClaimedRun, rank, replay},
    sandbox::{ModelInput, Sandbox, SandboxError},
    verify::{ReplayFailure, ReplayResult},
};

/// Replays the task of `r` on `model`, with up to `guests` guests at once.
///
/// # Errors
/// The replay was interrupted, or this machine has no memory for it. Any other failure is part of the result.
pub fn replay_receipt(
    r: &Receipt,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    guests: NonZeroUsize,
) -> Result<Result<ReplayResult, ReplayFailure>, SandboxError> {
    let Some(task) = r.task() else {
        let why = "the run's settings do not describe a task";
        return Ok(Err(ReplayFailure::Refuted(why.into())));
    };
    let replayed = match r.is_external() {
        true => {
            let claim = Claim::of_tokens(&r.tokens);
            let ranked = rank(&task, claim, sandbox, model, guests);
            ranked.map(|(replay, ranking)| (replay, Some(ranking)))
        }
        false => {
            let claimed = ClaimedRun::new(model, &task, &r.tokens, guests, sandbox.watch());
            let guesses = claimed.as_ref().map(ClaimedRun::guesses);
            let input = ModelInput::from(&**model);
            let replayed = replay(sandbox, input, &task, &r.tokens, guesses);
            replayed.map(|replay| (replay, None))
        }
    };
    match replayed {
        Ok((replay, ranking)) => Ok(Ok(ReplayResult {
            tokens: replay.tokens().collect(),
            checksum: replay.checksum(&task, r.model.sha256),
            fuel: replay.fuel,
            ranking,
        })),
        Err(error) => error.into_replay_failure().map(Err),
    }
}
