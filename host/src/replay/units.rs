//! The units of work of a guest: a layer over all positions, or the head at some of them.

use std::{borrow::Cow, fmt, ops::Range};

use engine_native::{Choice, Observer};

use super::{
    calls::{head_chunk_work, layer_work},
    kept::{Keeper, Kept},
    margin::Passing,
    pass::Pass,
};
use crate::{
    digest::Digest,
    judge::Claim,
    sandbox::{Guest, Instance, SandboxError},
    task::{PositionRecord, Task},
    watch::Watch,
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

/// Splits the head into `n` parts with about equally many choices.
#[cfg(feature = "run")]
pub(super) fn heads(task: &Task, n: usize) -> impl Iterator<Item = Unit> {
    let choosing = (0..task.n_positions()).filter(|&position| task.chooses_at(position));
    shares(choosing.collect(), task.n_positions(), n).map(Unit::Head)
}

/// Splits the head at `n_positions` positions into `n` parts with about equally many rows of logits, which are
/// computed at the positions `at`. The others have a final norm only; there are fewer parts where some
/// would be empty.
pub(super) fn shares(
    at: Vec<usize>,
    n_positions: usize,
    n: usize,
) -> impl Iterator<Item = Range<usize>> {
    let start = move |part: usize| match part {
        0 => 0,
        _ => at.get(at.len() * part / n).copied().unwrap_or(n_positions),
    };
    let parts = (0..n).map(move |part| start(part)..start(part + 1));
    parts.filter(|positions| !positions.is_empty())
}

/// A task on a model, with the tokens that are fed.
pub(super) struct Run<'a> {
    pub(super) task: Cow<'a, Task>,
    /// `[n_positions]`
    pub(super) inputs: Vec<u32>,
    /// What is claimed, if margins are wanted. A pass has its own.
    pub(super) claim: Option<Claim<'a>>,
    /// The pass of a pipeline that this is, if it is one.
    pass: Option<Pass>,
    pub(super) watch: Watch,
}

/// The result of the head at a position.
#[derive(Debug)]
pub struct Head {
    /// The hidden state, `[n_embd]`.
    pub hidden: Vec<f32>,
    /// The choice, at positions that choose a token.
    pub choice: Option<Choice>,
    /// What else was wanted of the logits.
    pub kept: Kept,
}

/// The head at some positions, while its chunks are computed.
#[derive(Default)]
pub(super) struct HeadPass {
    positions: Range<usize>,
    /// The hidden states, by position.
    hidden: Vec<Vec<f32>>,
    keepers: Vec<Keeper>,
}

impl<'a> Run<'a> {
    pub(super) fn new(task: Cow<'a, Task>, tokens: &[u32], watch: Watch) -> Self {
        Self {
            inputs: task.inputs(tokens).collect(),
            claim: None,
            pass: None,
            task,
            watch,
        }
    }

    /// A pass of a pipeline, which says what is kept of the logits.
    pub(super) fn with_pass(mut self, pass: Pass) -> Self {
        self.pass = Some(pass);
        self
    }

    pub(super) fn task(&self) -> &Task {
        &self.task
    }

    /// The positions that have a row of logits.
    pub(super) fn rows(&self) -> Vec<usize> {
        let pass = self.pass.as_ref();
        let is_wanted = |p: usize| pass.is_some_and(|pass| pass.wants_row(p));
        let positions = 0..self.task.n_positions();
        positions
            .filter(|&p| self.task.chooses_at(p) || is_wanted(p))
            .collect()
    }

    fn advance(&self, work: u64) {
        self.watch.advance(work);
    }

    /// Stores the embedding of the token at `position`.
    pub(super) fn embed_at<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        position: usize,
    ) -> Result<(), SandboxError> {
        guest.embed(self.inputs[position], position)
    }

    /// Computes the loaded layer at `position`. Returns the residual stream that leaves it.
    pub(super) fn layer_at<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        position: usize,
    ) -> Result<Vec<f32>, SandboxError> {
        guest.layer(position)?;
        let leaving = guest.residual(position)?;
        self.advance(layer_work(guest.shape(), position));
        Ok(leaving)
    }

    /// Begins to compute the head at `positions`.
    pub(super) fn begin_head(&self, positions: Range<usize>) -> HeadPass {
        HeadPass {
            hidden: Vec::with_capacity(positions.len()),
            keepers: positions.clone().map(|p| self.keeper(p)).collect(),
            positions,
        }
    }

    /// Computes the next chunk of the output matrix, which has been loaded, at the positions of `pass`.
    pub(super) fn head_chunk<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        chunk: u64,
        pass: &mut HeadPass,
    ) -> Result<(), SandboxError> {
        for (position, keeper) in pass.positions.clone().zip(&mut pass.keepers) {
            if chunk == 0 {
                guest.head_norm(position)?;
                pass.hidden.push(guest.hidden(position)?);
            }
            let chooses = self.task.chooses_at(position);
            if !chooses && !keeper.is_wanted() {
                continue;
            }
            match guest.head_rows(position) {
                // Where no token is chosen, the run does not depend on its logits.
                Err(SandboxError::NonFinite(_)) if !chooses => *keeper = Keeper::default(),
                done => done?,
            }
            self.advance(head_chunk_work(guest.shape()));
            if keeper.is_wanted() {
                let (first, logits) = guest.chunk_logits()?;
                keeper.see(first, &logits);
            }
        }
        Ok(())
    }

    /// Makes the choices, after all chunks.
    pub(super) fn end_head<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        pass: HeadPass,
    ) -> Result<Vec<Head>, SandboxError> {
        let heads = pass.positions.zip(pass.hidden).zip(pass.keepers);
        let heads = heads.map(|((position, hidden), keeper)| {
            let choice = self.task.chooses_at(position);
            let choice = choice.then(|| guest.choice(position)).transpose()?;
            let missing = || SandboxError::Protocol("a claimed token has no logit".into());
            Ok(Head {
                kept: keeper.kept(choice).ok_or_else(missing)?,
                hidden,
                choice,
            })
        });
        heads.collect()
    }

    /// Keeps what is wanted of the logits at `position`.
    fn keeper(&self, position: usize) -> Keeper {
        let pass = self.pass.as_ref();
        let claim = self.claim.or_else(|| pass?.claim());
        Keeper {
            margin: claim.and_then(|claim| Passing::at(claim, &self.task, position)),
            row: pass.and_then(|pass| pass.row_keeper(position)),
        }
    }

    /// The records of a run that has been computed completely. `boundaries` are the digests of the
    /// residual streams that leave each layer, `[n_layers][n_positions]`.
    pub(super) fn records(
        &self,
        boundaries: &[Vec<Digest>],
        heads: Vec<Head>,
    ) -> Vec<PositionRecord> {
        let heads = self.inputs.iter().zip(heads).enumerate();
        heads
            .map(|(position, (&input, head))| PositionRecord {
                position,
                input,
                boundaries: boundaries.iter().map(|of| of[position]).collect(),
                hidden: head.hidden,
                choice: head.choice,
            })
            .collect()
    }
}
