//! Ranks and judges tokens of another engine: could a right engine have chosen them?

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;

use super::{
    claimed_run::ClaimedRun,
    sensitivity::sensitivity,
    whole::{Replay, margins},
};
use crate::{
    input::ends_of,
    judge::{Claim, Judgement, Ranking, Tolerance},
    sandbox::{ModelInput, Sandbox, SandboxError},
    task::Task,
};

/// As [`judge`], without a tolerance.
pub(crate) fn rank(
    task: &Task,
    claim: Claim,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    guests: NonZeroUsize,
) -> Result<(Replay, Ranking), SandboxError> {
    let ends = ends_of(model);
    let claim = Claim {
        ends: &ends,
        ..claim
    };
    let watch = sandbox.watch();
    let sensitivity = sensitivity(model, task, claim.tokens, guests, watch);
    let claimed = ClaimedRun::new(model, task, claim.tokens, guests, watch);
    let guesses = claimed.as_ref().map(ClaimedRun::guesses);
    let input = ModelInput::from(&**model);
    let (replay, margins) = margins(sandbox, input, task, claim, guesses)?;
    let ranking = Ranking {
        margins,
        sensitivity,
    };
    Ok((replay, ranking))
}

/// Replays `task` with up to `guests` guests at once, fed the claimed tokens, and judges the claim with this
/// tolerance. The ids that end a text are those of the model. The replay's checksum is that of the reference over
/// the claimed tokens.
///
/// # Errors
/// The guest rejects the file or a value, or the replay was interrupted.
///
/// # Panics
/// The claim's logits are not for all tokens ([`Claim::check`]).
pub fn judge(
    task: &Task,
    claim: Claim,
    tolerance: Tolerance,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    guests: NonZeroUsize,
) -> Result<(Replay, Judgement), SandboxError> {
    let (replay, ranking) = rank(task, claim, sandbox, model, guests)?;
    Ok((replay, Judgement::of(&ranking, claim, tolerance)))
}
