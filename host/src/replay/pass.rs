//! A pass of a pipeline over a run: what it computes, and what it keeps of the logits.

use engine_native::KvType;
use serde::{Deserialize, Serialize};

use super::kept::RowKeeper;
use crate::{
    judge::{Ascent, Claim, MAX_COMPARED, Picked},
    task::Task,
    watch::Phase,
};

/// What the stages of a pipeline are told of a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Whether it is the replay. The other pass computes the first positions with the other type of KV cache.
    pub(super) is_replay: bool,
    /// What is ranked, if anything is.
    pub(super) ranked: Option<Ranked>,
    pub(super) rows: Rows,
}

/// Tokens that the reference's logits rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ranked {
    /// `[n_generate]`
    pub(super) tokens: Vec<u32>,
    /// Ids that end a text, ascending.
    pub(super) ends: Vec<u32>,
}

/// What is kept of the rows of logits at the first positions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Rows {
    Nothing,
    /// What is compared of each.
    Summits,
    /// The logits of these tokens, by position.
    Logits(Vec<Vec<u32>>),
}

impl Pass {
    /// The phase that the pass is.
    pub fn phase(&self) -> Phase {
        match self.is_replay {
            true => Phase::Replay,
            false => Phase::Sensitivity,
        }
    }

    /// What is computed, where `task` is replayed and `tokens` are claimed.
    pub(super) fn task(&self, task: &Task, tokens: &[u32]) -> Task {
        match self.is_replay {
            true => task.clone(),
            false => Task {
                prompt: task.inputs(tokens).take(MAX_COMPARED).collect(),
                depth: 0,
                n_generate: 1,
                kv_type: other(task.kv_type),
                challenge: None,
            },
        }
    }

    /// What is claimed, if it is ranked.
    pub(super) fn claim(&self) -> Option<Claim<'_>> {
        self.ranked.as_ref().map(|ranked| Claim {
            ends: &ranked.ends,
            ..Claim::of_tokens(&ranked.tokens)
        })
    }

    /// Keeps what is wanted of the row of logits at `position`, if anything is.
    pub(super) fn row_keeper(&self, position: usize) -> Option<RowKeeper> {
        match &self.rows {
            Rows::Nothing => None,
            Rows::Summits => (position < MAX_COMPARED).then(|| RowKeeper::Summit(Ascent::new())),
            Rows::Logits(tokens) => {
                let tokens = tokens.get(position)?;
                Some(RowKeeper::Logits(Picked::of(tokens.clone())))
            }
        }
    }

    /// Whether the row of logits at `position` is wanted.
    pub(super) fn wants_row(&self, position: usize) -> bool {
        self.row_keeper(position).is_some()
    }
}

fn other(kv_type: KvType) -> KvType {
    match kv_type {
        KvType::F32 => KvType::F16,
        KvType::F16 => KvType::F32,
    }
}
