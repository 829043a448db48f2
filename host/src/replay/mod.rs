//! The replay: the reference computes the same task from the same bytes.
//!
//! The guest is fed the tokens that are claimed and chooses on its own at every position. If it
//! chooses each claimed token, decoding by itself would have fed it exactly these tokens: the
//! replay then is the reference's own decode. That lets it go layer by layer over all positions,
//! so that each weight is loaded once and memory follows one layer, not the file.
//!
//! Several guests may work at once, each on a layer of its own, from residual streams that a native
//! run has left. These are guesses: a layer whose guest finds anything else than what the next one
//! started from is followed by a replay in order. Wrong guesses cost time, and never a verdict.

mod audit;
mod decode;
mod margin;
mod parallel;
mod units;

pub use audit::{Audited, Finding, audit, units_of};
pub use decode::{Decoded, decode, embedded, op_outputs};
pub use margin::Margin;
pub use parallel::Unit;

use std::time::{Duration, Instant};

use engine_native::PositionTrace;

use crate::{
    digest::Digest,
    sandbox::{GuestShape, ModelInput, Sandbox, SandboxError},
    task::Task,
    transcript::{PositionRecord, Transcript},
};
use units::{Computed, Run};

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

/// Called with the calls done and the calls in all.
pub type ReplayProgress<'p> = &'p mut dyn FnMut(u64, u64);

/// What several guests start from at once.
#[derive(Debug, Clone, Copy)]
pub struct Guesses<'t> {
    /// Residual streams of a native run, `[n_positions]`. Nothing is believed of them.
    pub traces: &'t [PositionTrace],
    /// Guests that work at once, at least 1.
    pub guests: usize,
}

impl Guesses<'_> {
    /// Whether they have the form of the task's own.
    fn fit(&self, task: &Task, shape: &GuestShape) -> bool {
        let (n_layers, n_embd) = (shape.n_layers as usize, shape.n_embd as usize);
        let fits =
            |t: &PositionTrace| t.hidden.len() == n_embd && t.boundaries.len() == n_layers * n_embd;
        self.traces.len() == task.n_positions() && self.traces.iter().all(fits)
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
    progress: ReplayProgress,
) -> Result<Replay, SandboxError> {
    let start = Instant::now();
    let run = Run::new(sandbox, model, task, tokens);
    let (shape, computed) = compute(&run, guesses, progress)?;
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
    progress: ReplayProgress,
) -> Result<Vec<Margin>, SandboxError> {
    let run = Run::new(sandbox, model, task, tokens).with_margins(tokens);
    let (_, computed) = compute(&run, guesses, progress)?;
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
    guesses: Option<Guesses>,
    progress: ReplayProgress,
) -> Result<(GuestShape, Computed), SandboxError> {
    let mut guest = run.open()?;
    let shape = guest.shape().clone();
    let mut meter = Meter::new(&shape, run.task(), progress);
    let guesses = guesses.filter(|g| g.guests > 1 && g.fit(run.task(), &shape));
    let computed = match guesses {
        Some(guesses) => parallel::compute(run, guest, guesses, &mut meter)?,
        None => {
            let mut computed = Computed::default();
            run.finish(&mut guest, None, &mut computed, &mut || meter.tick())?;
            computed
        }
    };
    Ok((shape, computed))
}

/// Counts compute calls.
struct Meter<'p> {
    done: u64,
    total: u64,
    progress: ReplayProgress<'p>,
}

impl<'p> Meter<'p> {
    fn new(shape: &GuestShape, task: &Task, progress: ReplayProgress<'p>) -> Self {
        let total = task.n_positions() as u64 * shape.n_layers
            + task.n_generate as u64 * shape.n_head_chunks;
        Self {
            done: 0,
            total,
            progress,
        }
    }

    /// Of some units alone.
    fn of_units(
        shape: &GuestShape,
        task: &Task,
        units: &[Unit],
        progress: ReplayProgress<'p>,
    ) -> Self {
        let calls = |unit: &Unit| match unit {
            Unit::Layer(_) => task.n_positions() as u64,
            Unit::Head(positions) => {
                let choices = positions.clone().filter(|&p| task.chooses_at(p));
                choices.count() as u64 * shape.n_head_chunks
            }
        };
        Self {
            done: 0,
            total: units.iter().map(calls).sum(),
            progress,
        }
    }

    fn tick(&mut self) {
        // What has to be computed again is not counted twice.
        self.done = self.total.min(self.done + 1);
        (self.progress)(self.done, self.total);
    }
}
