//! The units of work of a guest: a layer over all positions, or the head at some of them.

use std::{fmt, ops::Range};

use engine_native::{Choice, Observer};

use super::{
    calls::{head_chunk_work, layer_work},
    margin::Passing,
};
use crate::{
    digest::Digest,
    external::Margin,
    sandbox::{Guest, ModelInput, Sandbox, SandboxError},
    task::{PositionRecord, Task, boundary_digest},
    watch::Phase,
};

/// A unit of work of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A layer over all positions.
    Layer(usize),
    /// The final norm, the output matrix and the choice at these positions.
    Head(Range<usize>),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Layer(layer) => write!(f, "layer {layer}"),
            Self::Head(positions) => {
                write!(
                    f,
                    "output at positions {} to {}",
                    positions.start,
                    positions.end - 1
                )
            }
        }
    }
}

/// A task on a model, with the tokens that are fed.
pub(super) struct Run<'a> {
    sandbox: &'a Sandbox,
    model: ModelInput<'a>,
    task: &'a Task,
    /// `[n_positions]`
    inputs: Vec<u32>,
    /// The claimed tokens, `[n_generate]`, if margins are wanted.
    claims: Option<&'a [u32]>,
}

/// Residual streams, `[n_positions][n_embd]`.
pub(super) type Residuals = Vec<Vec<f32>>;

/// The result of the head at a position.
pub(super) struct Head {
    pub(super) hidden: Vec<f32>,
    pub(super) choice: Option<Choice>,
    /// `Some` if margins are wanted and a token is claimed here.
    pub(super) margin: Option<Margin>,
}

/// The part of a run that has been computed: its lowest layers, then the head.
#[derive(Default)]
pub(super) struct Computed {
    /// Digests of the residual streams that leave each layer, `[n_layers][n_positions]`.
    pub(super) boundaries: Vec<Vec<Digest>>,
    /// `[n_positions]`
    pub(super) heads: Vec<Head>,
    /// Fuel used by compute calls.
    pub(super) fuel: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        sandbox: &'a Sandbox,
        model: ModelInput<'a>,
        task: &'a Task,
        tokens: &[u32],
    ) -> Self {
        Self {
            sandbox,
            model,
            task,
            inputs: task.inputs(tokens).collect(),
            claims: None,
        }
    }

    /// Also computes margins for the claimed `tokens`.
    pub(super) fn with_margins(mut self, tokens: &'a [u32]) -> Self {
        self.claims = Some(tokens);
        self
    }

    pub(super) fn task(&self) -> &Task {
        self.task
    }

    fn advance(&self, work: u64) {
        self.sandbox.watch().advance(work);
    }

    /// Begins the phase of the replay, with its total work.
    pub(super) fn begin(&self, work: u64) {
        self.sandbox.watch().begin(Phase::Replay, work);
    }

    /// Makes a guest that is ready for the run.
    pub(super) fn open(&self) -> Result<Guest<'a>, SandboxError> {
        open(self.sandbox, self.model, self.task)
    }

    /// Computes the rest of `computed` in order. `entering` are the residual streams that enter the
    /// first missing layer; without them, the run starts from its tokens.
    pub(super) fn finish(
        &self,
        guest: &mut Guest,
        entering: Option<Residuals>,
        computed: &mut Computed,
    ) -> Result<(), SandboxError> {
        let before = guest.fuel();
        match &entering {
            None => self.embed(guest)?,
            Some(residuals) => enter(guest, residuals.iter().map(Vec::as_slice))?,
        }
        for layer in computed.boundaries.len()..guest.shape().n_layers as usize {
            let leaving = self.layer(guest, layer)?;
            let digests = leaving.iter().map(|x| boundary_digest(x)).collect();
            computed.boundaries.push(digests);
        }
        computed.heads = self.head(guest, 0..self.task.n_positions())?;
        computed.fuel += guest.fuel() - before;
        Ok(())
    }

    /// Stores the embedding of every token at its position.
    pub(super) fn embed(&self, guest: &mut Guest) -> Result<(), SandboxError> {
        let mut inputs = self.inputs.iter().enumerate();
        inputs.try_for_each(|(position, &input)| guest.embed(input, position))
    }

    /// Computes `layer` at every position. Returns the residual streams that leave it.
    pub(super) fn layer(&self, guest: &mut Guest, layer: usize) -> Result<Residuals, SandboxError> {
        guest.load_layer(layer)?;
        let mut leaving = Vec::with_capacity(self.inputs.len());
        for position in 0..self.inputs.len() {
            guest.layer(position)?;
            leaving.push(guest.residual(position)?);
            self.advance(layer_work(guest.shape(), position));
        }
        guest.release_layer(layer)?;
        Ok(leaving)
    }

    /// Computes the final norm at `positions`, and the choice at those that choose a token.
    pub(super) fn head(
        &self,
        guest: &mut Guest,
        positions: Range<usize>,
    ) -> Result<Vec<Head>, SandboxError> {
        let mut heads = Vec::with_capacity(positions.len());
        let mut passing: Vec<_> = positions.clone().map(|p| self.claim_at(p)).collect();
        for chunk in 0..guest.shape().n_head_chunks {
            guest.load_head(chunk)?;
            for (position, passing) in positions.clone().zip(&mut passing) {
                if chunk == 0 {
                    guest.head_norm(position)?;
                    heads.push(Head {
                        hidden: guest.hidden(position)?,
                        choice: None,
                        margin: None,
                    });
                }
                if self.task.chooses_at(position) {
                    guest.head_rows(position)?;
                    self.advance(head_chunk_work(guest.shape()));
                }
                if let Some(passing) = passing {
                    let (first, logits) = guest.chunk_logits()?;
                    passing.see(first, &logits);
                }
            }
        }
        for ((position, head), passing) in positions.zip(&mut heads).zip(passing) {
            if self.task.chooses_at(position) {
                let choice = guest.choice(position)?;
                head.choice = Some(choice);
                head.margin = passing.and_then(|passing| passing.margin(choice));
            }
        }
        Ok(heads)
    }

    /// The start of a margin at `position`, if margins are wanted and a token is claimed here.
    fn claim_at(&self, position: usize) -> Option<Passing> {
        let first = self.task.prompt.len() - 1;
        let claim = self.claims?.get(position.checked_sub(first)?)?;
        Some(Passing::of(*claim))
    }

    /// The records of a run that has been computed completely.
    pub(super) fn records(&self, computed: Computed) -> Vec<PositionRecord> {
        let heads = self.inputs.iter().zip(computed.heads).enumerate();
        heads
            .map(|(position, (&input, head))| PositionRecord {
                position,
                input,
                boundaries: computed.boundaries.iter().map(|of| of[position]).collect(),
                hidden: head.hidden,
                choice: head.choice,
            })
            .collect()
    }
}

/// Makes a guest that is ready for `task`.
pub(super) fn open<'f>(
    sandbox: &Sandbox,
    model: ModelInput<'f>,
    task: &Task,
) -> Result<Guest<'f>, SandboxError> {
    let mut guest = sandbox.open(model)?;
    guest.configure(task.kv_type, task.n_positions())?;
    Ok(guest)
}

/// Stores residual streams at their positions, from 0 on.
pub(super) fn enter<'x>(
    guest: &mut Guest,
    residuals: impl Iterator<Item = &'x [f32]>,
) -> Result<(), SandboxError> {
    let mut residuals = residuals.enumerate();
    residuals.try_for_each(|(position, x)| guest.set_residual(position, x))
}
