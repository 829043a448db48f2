//! The whole replay: in order by one guest, or by several from guesses.

use std::time::{Duration, Instant};

use super::{
    guesses::Guesses,
    parallel,
    units::{Computed, Run},
    work::replay_work,
};
use crate::{
    digest::Digest,
    external::Margin,
    sandbox::{GuestShape, ModelInput, Sandbox, SandboxError},
    task::{PositionRecord, Task, Transcript},
};

/// What the reference computed.
#[derive(Debug)]
pub struct Replay {
    /// The shape that the reference read from the header.
    pub shape: GuestShape,
    /// One record per position.
    pub records: Vec<PositionRecord>,
    /// Fuel of the compute calls, one position at a time, loading excluded.
    pub fuel: u64,
    /// Wall time, loading included.
    pub wall: Duration,
}

impl Replay {
    /// Tokens that the reference chose.
    pub fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.records.iter().filter_map(|r| Some(r.choice?.token))
    }

    /// Checksum of the reference's transcript.
    pub fn checksum(&self, task: &Task, model: Digest) -> Digest {
        Transcript::of(&task.transcript_start(model), &self.records)
    }
}

/// Replays `task` on `model`, with `tokens` as the claim of what was chosen. The result is the same
/// whatever the guesses.
///
/// # Errors
/// The guest refuses the file or a value, or was interrupted.
pub fn replay(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    tokens: &[u32],
    guesses: Option<Guesses>,
) -> Result<Replay, SandboxError> {
    let start = Instant::now();
    let run = Run::new(sandbox, model, task, tokens);
    let (shape, computed) = compute(&run, guesses)?;
    Ok(Replay {
        shape,
        fuel: computed.fuel,
        records: run.records(computed),
        wall: start.elapsed(),
    })
}

/// As [`replay`], for how clear each choice is and where `tokens` stand in it, `[n_generate]`.
///
/// # Errors
/// As for [`replay`]; a token is beyond the vocabulary.
pub fn margins(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    tokens: &[u32],
    guesses: Option<Guesses>,
) -> Result<Vec<Margin>, SandboxError> {
    let run = Run::new(sandbox, model, task, tokens).with_margins(tokens);
    let (_, computed) = compute(&run, guesses)?;
    let heads = computed.heads.iter().skip(task.prompt.len() - 1);
    heads
        .map(|head| {
            let missing = || SandboxError::Protocol("a claimed token has no logit".into());
            head.margin.ok_or_else(missing)
        })
        .collect()
}

fn compute(run: &Run, guesses: Option<Guesses>) -> Result<(GuestShape, Computed), SandboxError> {
    let mut guest = run.open()?;
    let shape = guest.shape().clone();
    run.begin(replay_work(&shape, run.task()));
    let guesses = guesses.filter(|g| g.guests > 1 && g.fit(run.task(), &shape));
    let computed = match guesses {
        Some(guesses) => parallel::compute(run, guest, guesses)?,
        None => {
            let mut computed = Computed::default();
            run.finish(&mut guest, None, &mut computed)?;
            computed
        }
    };
    Ok((shape, computed))
}
