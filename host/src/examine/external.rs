//! Judges tokens of another engine: could a right engine have chosen them?

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;

use crate::{
    judge::{Claim, Judgement, Tolerance},
    replay::{ClaimedRun, Replay, margins},
    sandbox::{ModelInput, Sandbox, SandboxError},
    task::Task,
};

/// Replays `task` with up to `guests` guests at once, fed the claimed tokens, and judges the claim. Returns the
/// replay as well: its checksum is that of the reference over these tokens.
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
    let claimed = ClaimedRun::new(model, task, claim.tokens, guests, sandbox.watch());
    let guesses = claimed.as_ref().map(ClaimedRun::guesses);
    let input = ModelInput::from(&**model);
    let (replay, margins) = margins(sandbox, input, task, claim, guesses)?;
    let judgement = Judgement::of(&margins, claim, tolerance);
    Ok((replay, judgement))
}
