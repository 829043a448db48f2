//! Judges tokens of another engine: would the reference have chosen them?

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;

use crate::{
    external::{ExternalRun, Judgement},
    replay::{ClaimedRun, margins},
    sandbox::{ModelInput, Sandbox, SandboxError},
};

/// Replays `run` with up to `guests` guests at once, and judges its tokens. Logits that differ by
/// at most `tolerance` count as a tie.
///
/// # Errors
/// The guest rejects the file or a value, or the replay was interrupted.
pub fn judge(
    run: &ExternalRun,
    tolerance: f64,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    guests: NonZeroUsize,
) -> Result<Judgement, SandboxError> {
    let (task, tokens) = (run.task(), &run.tokens[..]);
    let claimed = ClaimedRun::new(model, &task, tokens, guests, sandbox.watch());
    let guesses = claimed.as_ref().map(ClaimedRun::guesses);
    let input = ModelInput::from(&**model);
    let margins = margins(sandbox, input, &task, tokens, guesses)?;
    Ok(Judgement::of(&margins, tolerance))
}
