//! The whole replay: by one guest in order, or by several guests from guesses.

use std::time::{Duration, Instant};

use super::{
    guesses::Guesses, guests::Guests, in_order::Computed, parallel, units::Run, work::replay_work,
};
use crate::{
    digest::Digest,
    external::Margin,
    sandbox::{GuestShape, ModelInput, Sandbox, SandboxError},
    task::{PositionRecord, Task, Transcript},
};

/// A replay: everything that the reference computed.
#[derive(Debug)]
pub struct Replay {
    /// The shape that the reference read from the header.
    pub shape: GuestShape,
    /// One record per position.
    pub records: Vec<PositionRecord>,
    /// Fuel of the compute calls, one position per call, without loading; `None` if it is not counted.
    pub fuel: Option<u64>,
    /// Wall time, with loading.
    pub wall: Duration,
}

impl Replay {
    /// The tokens that the reference chose.
    pub fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.records.iter().filter_map(|r| Some(r.choice?.token))
    }

    /// The checksum of the reference's transcript. `model` is the digest of the model file.
    pub fn checksum(&self, task: &Task, model: Digest) -> Digest {
        Transcript::of(&task.transcript_start(model), &self.records)
    }
}

/// Replays `task` on `model`; `tokens` are claimed to have been chosen. Guesses make it faster, but
/// do not change the result.
///
/// # Errors
/// The guest rejects the file or a value, or the replay was interrupted.
pub fn replay(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    tokens: &[u32],
    guesses: Option<Guesses>,
) -> Result<Replay, SandboxError> {
    let start = Instant::now();
    let guests = Guests::new(sandbox, model, task);
    let run = guests.run(tokens);
    let (shape, computed) = compute(&run, &guests, guesses)?;
    Ok(Replay {
        shape,
        fuel: computed.fuel,
        records: run.records(&computed.boundaries, computed.heads),
        wall: start.elapsed(),
    })
}

/// Like [`replay`], but returns how the reference's logits rank each of `tokens`: `[n_generate]`.
///
/// # Errors
/// As for [`replay`], or a token is beyond the vocabulary.
pub fn margins(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    tokens: &[u32],
    guesses: Option<Guesses>,
) -> Result<Vec<Margin>, SandboxError> {
    let guests = Guests::new(sandbox, model, task);
    let run = guests.run(tokens).with_margins(tokens);
    let (_, computed) = compute(&run, &guests, guesses)?;
    let heads = computed.heads.iter().skip(task.prompt.len() - 1);
    heads
        .map(|head| {
            let missing = || SandboxError::Protocol("a claimed token has no logit".into());
            head.margin.ok_or_else(missing)
        })
        .collect()
}

fn compute(
    run: &Run,
    guests: &Guests,
    guesses: Option<Guesses>,
) -> Result<(GuestShape, Computed), SandboxError> {
    let mut guest = guests.open()?;
    let shape = guest.shape().clone();
    run.begin(replay_work(&shape, run.task()));
    let guesses = guesses.filter(|g| g.guests > 1 && g.fit(run.task(), &shape));
    let computed = match guesses {
        Some(guesses) => parallel::compute(run, (guests, guest), guesses)?,
        None => {
            let mut computed = Computed::new();
            run.finish(&mut guest, None, &mut computed)?;
            computed
        }
    };
    Ok((shape, computed))
}
