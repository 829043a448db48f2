//! The units of work of a guest: a layer over all positions, or the head at some of them.

use std::{borrow::Cow, fmt, ops::Range};

use engine_native::{Choice, Observer};

use super::{
    calls::{head_chunk_work, layer_work},
    margin::Passing,
};
use crate::{
    digest::Digest,
    judge::{Claim, Margin},
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
pub(super) fn heads(task: &Task, n: usize) -> impl Iterator<Item = Unit> {
    // The positions before `first` have a final norm, but no choice; the first part takes them.
    let first = task.prompt.len() - 1;
    let end = move |part: usize| first + task.n_generate * part / n;
    let parts = (0..n).map(move |part| match part {
        0 => 0..end(1),
        _ => end(part)..end(part + 1),
    });
    let parts = parts.filter(|positions| !positions.is_empty());
    parts.map(Unit::Head)
}

/// A task on a model, with the tokens that are fed.
pub(super) struct Run<'a> {
    pub(super) task: Cow<'a, Task>,
    /// `[n_positions]`
    pub(super) inputs: Vec<u32>,
    /// What is claimed, if margins are wanted.
    pub(super) claim: Option<Claim<'a>>,
    pub(super) watch: Watch,
}

/// The result of the head at a position.
#[derive(Debug)]
pub struct Head {
    /// The hidden state, `[n_embd]`.
    pub hidden: Vec<f32>,
    /// The choice, at positions that choose a token.
    pub choice: Option<Choice>,
    /// `Some` if margins are wanted and a token is claimed here.
    pub(super) margin: Option<Margin>,
}

impl Head {
    /// A head without a margin.
    pub fn new(hidden: Vec<f32>, choice: Option<Choice>) -> Self {
        Self {
            hidden,
            choice,
            margin: None,
        }
    }
}

/// The head at some positions, while its chunks are computed.
pub(super) struct HeadPass<'a> {
    positions: Range<usize>,
    heads: Vec<Head>,
    /// Those that are wanted.
    margins: Vec<Option<Passing<'a>>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(task: Cow<'a, Task>, tokens: &[u32], watch: Watch) -> Self {
        Self {
            inputs: task.inputs(tokens).collect(),
            claim: None,
            task,
            watch,
        }
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
    pub(super) fn begin_head(&self, positions: Range<usize>) -> HeadPass<'a> {
        HeadPass {
            heads: Vec::with_capacity(positions.len()),
            margins: positions.clone().map(|p| self.claim_at(p)).collect(),
            positions,
        }
    }

    /// Computes the next chunk of the output matrix, which has been loaded, at the positions of `pass`.
    pub(super) fn head_chunk<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        chunk: u64,
        pass: &mut HeadPass<'a>,
    ) -> Result<(), SandboxError> {
        for (position, margin) in pass.positions.clone().zip(&mut pass.margins) {
            if chunk == 0 {
                guest.head_norm(position)?;
                pass.heads.push(Head::new(guest.hidden(position)?, None));
            }
            if self.task.chooses_at(position) {
                guest.head_rows(position)?;
                self.advance(head_chunk_work(guest.shape()));
            }
            if let Some(margin) = margin {
                let (first, logits) = guest.chunk_logits()?;
                margin.see(first, &logits);
            }
        }
        Ok(())
    }

    /// Makes the choices, after all chunks.
    pub(super) fn end_head<I: Instance>(
        &self,
        guest: &mut Guest<I>,
        pass: HeadPass<'a>,
    ) -> Result<Vec<Head>, SandboxError> {
        let mut heads = pass.heads;
        for ((position, head), margin) in pass.positions.zip(&mut heads).zip(pass.margins) {
            if self.task.chooses_at(position) {
                let choice = guest.choice(position)?;
                head.choice = Some(choice);
                head.margin = margin.and_then(|margin| margin.margin(choice));
            }
        }
        Ok(heads)
    }

    /// The start of a margin at `position`, if margins are wanted and a token is claimed here.
    fn claim_at(&self, position: usize) -> Option<Passing<'a>> {
        let first = self.task.prompt.len() - 1;
        let (claim, index) = (self.claim?, position.checked_sub(first)?);
        (index < claim.tokens.len()).then(|| Passing::of(claim, index))
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
