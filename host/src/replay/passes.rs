//! The passes of a pipeline over a run, one after another. A run of our engine has one, the replay. One of another
//! engine has a second one with the other type of KV cache, which shows how sensitive the model is: the
//! guest's logits are the engine's in every bit, so the number is that of the native engine.

use std::{borrow::Cow, collections::VecDeque};

use engine_native::KvType;

use super::{
    kept::Row,
    pass::{Pass, Ranked, Rows},
    units::{Head, Run},
};
use crate::{
    digest::Digest,
    judge::{Ranking, Sensitivity, Summit, Tolerance},
    receipt::Receipt,
    task::{Task, Transcript},
    verify::{ReplayFailure, ReplayResult},
    watch::Watch,
};

/// The passes of a pipeline over a run, and what they found so far.
#[derive(Debug)]
pub struct Passes {
    task: Task,
    tokens: Vec<u32>,
    model: Digest,
    /// Ids that end a text, ascending, if the tokens are ranked.
    ends: Option<Vec<u32>>,
    /// The KV types of the passes to come.
    left: VecDeque<KvType>,
    current: Option<Pass>,
    /// By position, from the pass with a KV cache in f32.
    summits: Option<Vec<Summit>>,
    sensitivity: Option<f64>,
    replay: Option<Result<ReplayResult, ReplayFailure>>,
}

impl Passes {
    /// Those of a replay of `task` on the model with the digest `model`, in which `tokens` are claimed.
    pub fn of_run(task: Task, tokens: Vec<u32>, model: Digest) -> Self {
        Self {
            ends: None,
            left: [task.kv_type].into(),
            current: None,
            summits: None,
            sensitivity: None,
            replay: None,
            task,
            tokens,
            model,
        }
    }

    /// Those that `receipt` takes; `None` if its settings describe no task. `ends` are the ids that end a
    /// text, ascending, and `tolerance` is the verifier's.
    pub fn of_receipt(receipt: &Receipt, ends: Vec<u32>, tolerance: Tolerance) -> Option<Self> {
        let passes = Self::of_run(
            receipt.task()?,
            receipt.tokens.clone(),
            receipt.model.sha256,
        );
        Some(match receipt.is_external() {
            true => passes.with_ranking(ends, tolerance),
            false => passes,
        })
    }

    /// Ranks the claimed tokens as well, as far as a judgement with this tolerance needs it.
    fn with_ranking(mut self, ends: Vec<u32>, tolerance: Tolerance) -> Self {
        self.ends = Some(ends);
        if tolerance.depends_on_model() {
            // The summits come first: what is compared with them is then a few logits.
            self.left = [KvType::F32, KvType::F16].into();
        }
        self
    }

    /// What the next pass is; `None` if there is none.
    pub fn begin(&mut self) -> Option<Pass> {
        let kv_type = self.left.pop_front()?;
        let is_replay = kv_type == self.task.kv_type;
        let rows = match (kv_type, &self.summits) {
            (KvType::F32, _) if !self.left.is_empty() => Rows::Summits,
            (KvType::F16, Some(summits)) => {
                let tokens = summits.iter().map(|summit| summit.tokens().collect());
                Rows::Logits(tokens.collect())
            }
            _ => Rows::Nothing,
        };
        // Without summits, another type of KV cache has nothing to be compared with.
        let is_worth_it = is_replay || rows != Rows::Nothing;
        self.current = is_worth_it.then_some(Pass {
            is_replay,
            ranked: self.ends.clone().filter(|_| is_replay).map(|ends| Ranked {
                tokens: self.tokens.clone(),
                ends,
            }),
            rows,
        });
        self.current.clone()
    }

    /// What the pass that has begun computes; `None` if none has.
    pub fn task(&self) -> Option<Task> {
        let current = self.current.as_ref();
        current.map(|pass| pass.task(&self.task, &self.tokens))
    }

    /// Ends a pass. `boundaries` are the digests of what left each layer, `[n_layers][n_positions]`, and `heads`
    /// the heads at all positions.
    pub fn end(&mut self, boundaries: &[Vec<Digest>], heads: Vec<Head>) {
        let Some(pass) = self.current.take() else {
            return;
        };
        let rows = heads.iter().enumerate();
        let rows = rows.filter(|&(position, _)| pass.wants_row(position));
        let rows: Vec<_> = rows.map(|(_, head)| head.kept.row.clone()).collect();
        match &pass.rows {
            Rows::Nothing => {}
            Rows::Summits => self.summits = summits(rows),
            Rows::Logits(_) => self.sensitivity = self.compared(rows),
        }
        if pass.is_replay {
            self.replay = Some(Ok(self.joined(boundaries, heads)));
        }
    }

    /// Ends a pass that failed. If it is the replay, nothing is known of the receipt. If it is the other pass, the
    /// replay has a result, but nobody knows how sensitive the model is.
    pub fn fail(&mut self, failure: ReplayFailure) {
        if self.current.take().is_some_and(|pass| pass.is_replay) {
            self.replay = Some(Err(failure));
        }
    }

    /// What all passes found; `None` if the replay has not ended.
    pub fn found(self) -> Option<Result<ReplayResult, ReplayFailure>> {
        let mut replay = self.replay?;
        if let Ok(found) = &mut replay
            && let Some(ranking) = &mut found.ranking
        {
            ranking.sensitivity = self.sensitivity;
        }
        Some(replay)
    }

    /// The sensitivity, where all positions have their logits.
    fn compared(&self, rows: Vec<Option<Row>>) -> Option<f64> {
        let mut sensitivity = Sensitivity::default();
        for (summit, row) in self.summits.as_ref()?.iter().zip(rows) {
            match row? {
                Row::Logits(logits) => sensitivity.add(summit, &logits),
                Row::Summit(_) => return None,
            }
        }
        sensitivity.value()
    }

    fn joined(&self, boundaries: &[Vec<Digest>], mut heads: Vec<Head>) -> ReplayResult {
        let ranking = self.ends.as_ref().map(|_| Ranking {
            margins: heads
                .iter_mut()
                .filter_map(|head| head.kept.margin.take())
                .collect(),
            sensitivity: None,
        });
        let run = Run::new(Cow::Borrowed(&self.task), &self.tokens, Watch::default());
        let records = run.records(boundaries, heads);
        ReplayResult {
            tokens: records
                .iter()
                .filter_map(|r| Some(r.choice?.token))
                .collect(),
            checksum: Transcript::of(&self.task.transcript_start(self.model), &records),
            fuel: None,
            ranking,
        }
    }
}

/// `None` if a logit was not finite somewhere.
fn summits(rows: Vec<Option<Row>>) -> Option<Vec<Summit>> {
    let summits = rows.into_iter().map(|row| match row? {
        Row::Summit(summit) => Some(summit),
        Row::Logits(_) => None,
    });
    summits.collect()
}
