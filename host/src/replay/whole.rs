//! The whole replay: by one guest in order, or by several guests from guesses.

use std::time::{Duration, Instant};

use super::{
    guesses::Guesses, guests::Guests, in_order::Computed, parallel, units::Run, work::replay_work,
};
use crate::{
    digest::Digest,
    judge::{Claim, Margin},
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
    fn of(run: &Run, shape: GuestShape, computed: Computed, start: Instant) -> Self {
        Self {
            shape,
            fuel: computed.fuel,
            records: run.records(&computed.boundaries, computed.heads),
            wall: start.elapsed(),
        }
    }

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
    Ok(Replay::of(&run, shape, computed, start))
}

/// Like [`replay`], and returns as well how the reference's logits rank what is claimed: `[n_generate]`. The
/// reference is fed the tokens of the claim, whatever it chooses itself.
///
/// # Errors
/// As for [`replay`], or an id is beyond the vocabulary.
///
/// # Panics
/// The claim's logits are not for all tokens ([`Claim::check`]).
pub(super) fn margins(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    claim: Claim,
    guesses: Option<Guesses>,
) -> Result<(Replay, Vec<Margin>), SandboxError> {
    let start = Instant::now();
    let guests = Guests::new(sandbox, model, task);
    let run = guests.run(claim.tokens).with_margins(claim);
    let (shape, mut computed) = compute(&run, &guests, guesses)?;
    let heads = computed.heads.iter_mut().skip(task.prompt.len() - 1);
    let margins = heads.map(|head| {
        let missing = || SandboxError::Protocol("a claimed token has no logit".into());
        head.margin.take().ok_or_else(missing)
    });
    let margins = margins.collect::<Result<_, _>>()?;
    Ok((Replay::of(&run, shape, computed, start), margins))
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
