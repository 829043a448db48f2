//! Runs claimed tokens on the native engine of this machine, as a starting point for several
//! guests. The result is never evidence.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::{Model, PositionTrace, SessionOptions};

use super::{guesses::Guesses, native};
use crate::{
    failure::RunFailure,
    machine::guests_that_fit,
    task::Task,
    watch::{Phase, Watch},
};

/// A native run of a claim, from which several guests start a replay.
pub(crate) struct ClaimedRun {
    traces: Vec<PositionTrace>,
    guests: usize,
}

impl ClaimedRun {
    /// Runs the claimed `tokens` for up to `guests` guests. `None` if a single guest has to replay
    /// in order, because there is no memory for more guests or the native run fails.
    pub(crate) fn new(
        model: &Arc<Model>,
        task: &Task,
        tokens: &[u32],
        guests: NonZeroUsize,
        watch: &Watch,
    ) -> Option<Self> {
        let guests = guests_that_fit(model, task.n_positions(), guests);
        let traces =
            (guests > 1).then(|| claimed_traces(model, task, tokens, guests, false, watch).ok());
        traces.flatten().map(|traces| Self { traces, guests })
    }

    pub(crate) fn guesses(&self) -> Guesses<'_> {
        Guesses {
            traces: &self.traces,
            guests: self.guests,
        }
    }
}

/// The traces of a native run that is fed the claimed `tokens` like a prompt: `[n_positions]`. They
/// contain the native engine's choices if `chooses` is true.
///
/// # Errors
/// The claim does not fit the model, or the run does not fit this machine's memory.
pub(crate) fn claimed_traces(
    model: &Arc<Model>,
    task: &Task,
    tokens: &[u32],
    n_threads: usize,
    chooses: bool,
    watch: &Watch,
) -> Result<Vec<PositionTrace>, RunFailure> {
    let session = SessionOptions {
        choose_from: match chooses {
            true => task.prompt.len() - 1,
            false => usize::MAX,
        },
        ..task.session_options()
    };
    let engine = native::engine(model, &session, n_threads, watch)?;
    let mut session = engine.session(session)?;
    let inputs: Vec<u32> = task.inputs(tokens).collect();
    session.set_observer(Arc::new(watch.clone()));
    watch.begin(Phase::Claim, task.work(model.shape()));
    let mut steps = session.generate(&inputs, 1)?;
    Ok(steps
        .next()
        .transpose()?
        .map_or(Vec::new(), |step| step.positions))
}
