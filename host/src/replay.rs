//! The replay: the reference computes the same task from the same bytes.
//!
//! The guest is fed the tokens that are claimed and chooses on its own at every position. If it
//! chooses each claimed token, decoding by itself would have fed it exactly these tokens: the
//! replay then is the reference's own decode. That lets it go layer by layer over all positions,
//! so that each weight is loaded once and memory follows one layer, not the file.

use std::time::{Duration, Instant};

use engine_native::Choice;

use crate::{
    digest::Digest,
    sandbox::{Guest, GuestShape, ModelInput, Sandbox, SandboxError},
    task::{OpBits, Task},
    transcript::{PositionRecord, Transcript, boundary_digest},
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

/// Called with the calls done and the calls in all.
pub type ReplayProgress<'p> = &'p mut dyn FnMut(u64, u64);

/// Replays `task` on `model`, with `tokens` as the claim of what was chosen.
///
/// # Errors
/// The guest refuses the file or a value, or was interrupted.
pub fn replay(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    tokens: &[u32],
    progress: ReplayProgress,
) -> Result<Replay, SandboxError> {
    let start = Instant::now();
    let mut guest = sandbox.open(model)?;
    guest.configure(task.kv_type, task.n_positions())?;
    let mut meter = Meter::new(&guest, task, progress);
    let mut records = embed(&mut guest, task, tokens)?;
    for layer in 0..guest.shape().n_layers as usize {
        guest.load_layer(layer)?;
        for record in &mut records {
            guest.layer(record.position)?;
            let residual = guest.residual(record.position)?;
            record.boundaries.push(boundary_digest(&residual));
            meter.tick();
        }
        guest.release_layer(layer)?;
    }
    choose(&mut guest, task, &mut records, &mut meter)?;
    Ok(Replay {
        shape: guest.shape().clone(),
        records,
        fuel: guest.fuel(),
        wall: start.elapsed(),
    })
}

fn embed(
    guest: &mut Guest,
    task: &Task,
    tokens: &[u32],
) -> Result<Vec<PositionRecord>, SandboxError> {
    let n_layers = guest.shape().n_layers as usize;
    task.inputs(tokens)
        .enumerate()
        .map(|(position, input)| {
            guest.embed(input, position)?;
            Ok(PositionRecord {
                position,
                input,
                boundaries: Vec::with_capacity(n_layers),
                hidden: Vec::new(),
                choice: None,
            })
        })
        .collect()
}

fn choose(
    guest: &mut Guest,
    task: &Task,
    records: &mut [PositionRecord],
    meter: &mut Meter,
) -> Result<(), SandboxError> {
    let n_chunks = guest.shape().n_head_chunks;
    for chunk in 0..n_chunks {
        guest.load_head(chunk)?;
        for record in records.iter_mut() {
            if chunk == 0 {
                guest.head_norm(record.position)?;
                record.hidden = guest.hidden(record.position)?;
            }
            if task.chooses_at(record.position) {
                guest.head_rows(record.position)?;
                meter.tick();
            }
        }
    }
    for record in records {
        if task.chooses_at(record.position) {
            record.choice = Some(guest.choice(record.position)?);
        }
    }
    Ok(())
}

/// Outputs of every operation of `layer` at `position`, when the residual streams that enter the
/// layer at positions 0..=position are `entering`.
///
/// # Errors
/// As for [`replay`].
pub fn op_outputs(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    layer: usize,
    entering: &[&[f32]],
) -> Result<Vec<OpBits>, SandboxError> {
    let mut guest = sandbox.open(model)?;
    guest.configure(task.kv_type, task.n_positions())?;
    guest.load_layer(layer)?;
    for (position, residual) in entering.iter().enumerate() {
        guest.set_residual(position, residual)?;
        guest.layer(position)?;
    }
    guest.op_outputs()
}

/// Residual streams before the first layer, `[n_embd]` for each position, as the guest embeds them.
///
/// # Errors
/// As for [`replay`].
pub fn embedded(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    tokens: &[u32],
) -> Result<Vec<Vec<f32>>, SandboxError> {
    let mut guest = sandbox.open(model)?;
    guest.configure(task.kv_type, task.n_positions())?;
    let records = embed(&mut guest, task, tokens)?;
    records
        .iter()
        .map(|record| guest.residual(record.position))
        .collect()
}

/// One position of [`decode`].
#[derive(Debug)]
pub struct Decoded {
    /// Logits, `[n_vocab]`.
    pub logits: Vec<f32>,
    /// The largest of them.
    pub choice: Choice,
}

/// The reference decoding by itself, one position after the other, every logit at every position.
///
/// # Errors
/// As for [`replay`], and whatever `sink` returns.
pub fn decode<E: From<SandboxError>>(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    mut sink: impl FnMut(Decoded) -> Result<(), E>,
) -> Result<Vec<u32>, E> {
    let mut guest = sandbox.open(model)?;
    guest.configure(task.kv_type, task.n_positions())?;
    let mut tokens = Vec::with_capacity(task.n_generate);
    for position in 0..task.n_positions() {
        let input = match task.prompt.get(position) {
            Some(&id) => id,
            None => tokens[position - task.prompt.len()],
        };
        guest.embed(input, position)?;
        for layer in 0..guest.shape().n_layers as usize {
            guest.load_layer(layer)?;
            guest.layer(position)?;
        }
        for chunk in 0..guest.shape().n_head_chunks {
            guest.load_head(chunk)?;
            if chunk == 0 {
                guest.head_norm(position)?;
            }
            guest.head_rows(position)?;
        }
        let choice = guest.choice(position)?;
        if task.chooses_at(position) {
            tokens.push(choice.token);
        }
        let logits = guest.logits()?;
        sink(Decoded { logits, choice })?;
    }
    Ok(tokens)
}

/// Counts compute calls.
struct Meter<'p> {
    done: u64,
    total: u64,
    progress: ReplayProgress<'p>,
}

impl<'p> Meter<'p> {
    fn new(guest: &Guest, task: &Task, progress: ReplayProgress<'p>) -> Self {
        let shape = guest.shape();
        let total = task.n_positions() as u64 * shape.n_layers
            + task.n_generate as u64 * shape.n_head_chunks;
        Self {
            done: 0,
            total,
            progress,
        }
    }

    fn tick(&mut self) {
        self.done += 1;
        (self.progress)(self.done, self.total);
    }
}
