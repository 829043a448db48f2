//! Attention: scores, softmax and weighted sums, one KV head after another. At one position the
//! threads share the heads; at several they share the positions.

use super::{KvCache, PositionState};
use crate::{
    engine::Engine,
    error::{RunError, check_cancelled, non_finite},
    kernels::check_finite,
    ledger::Op,
    model::ModelShape,
    observer::Observer,
    operands::Queries,
    workers::Scratch,
};

/// The most positions that share one pass over keys and values.
pub(crate) const MAX_POSITIONS: usize = 4;

/// Attention in one layer, over the positions in the KV cache.
pub(crate) struct Attention<'a> {
    pub engine: &'a Engine,
    pub cache: &'a KvCache,
    pub layer: usize,
}

/// Cost of an f32 multiply-accumulate, in those of a ternary product.
const FLOAT_WORK: usize = 4;

/// Some heads of a position: their queries, and their outputs.
#[derive(Default)]
struct Ends<'a> {
    query: &'a [f32],
    out: &'a mut [f32],
}

impl Attention<'_> {
    /// Number of query heads that share a KV head.
    pub(crate) fn group(shape: &ModelShape) -> usize {
        (shape.n_heads / shape.n_kv_heads) as usize
    }

    /// Computes all heads at the positions of `states`, which must be consecutive.
    pub(crate) fn run(
        &self,
        states: &mut [PositionState],
        scratch: &mut [Scratch],
        observer: &dyn Observer,
    ) -> Result<(), RunError> {
        match states {
            [state] => self.one(state, scratch),
            states => self.several(states, scratch, observer),
        }
    }

    /// Computes all heads at one position. The threads share the heads.
    fn one(&self, state: &mut PositionState, scratch: &mut [Scratch]) -> Result<(), RunError> {
        let (workers, shape) = (&self.engine.workers, self.shape());
        let (n_heads, head_dim) = (shape.n_heads as usize, shape.head_dim as usize);
        let part_len = workers.part_len(n_heads, self.work_of_head(state.position + 1), 1);
        let (query, position) = (&state.query, state.position);
        let parts = state.attention.chunks_mut(part_len * head_dim).enumerate();
        workers.run(parts, scratch, |(i, out), scratch| {
            let query = &query[i * part_len * head_dim..][..out.len()];
            let ends = &mut [Ends { query, out }];
            self.heads(i * part_len, position, ends, scratch)
        })
    }

    /// Computes all heads at several positions. The threads share the positions, and ask the observer
    /// every few of them. Later ones attend
    /// to more keys, so parts have equal work instead of equal length.
    fn several(
        &self,
        mut states: &mut [PositionState],
        scratch: &mut [Scratch],
        observer: &dyn Observer,
    ) -> Result<(), RunError> {
        let workers = &self.engine.workers;
        let (n, first) = (states.len(), states[0].position);
        // Sum of the numbers of keys that the first `n` positions attend to.
        let keys = |n: usize| n * (2 * first + n + 1) / 2;
        let work = self.shape().n_heads as usize * self.work_of_head(keys(n));
        let n_parts = workers.shares(work).n_parts();
        let end = |part: usize| {
            let reaches = |&end: &usize| keys(end) * n_parts >= keys(n) * part;
            let mut ends = (0..n).step_by(MAX_POSITIONS);
            ends.find(reaches).unwrap_or(n)
        };
        let parts = (0..n_parts).map(|part| {
            let len = end(part + 1) - end(part);
            states.split_off_mut(..len).unwrap_or_default()
        });
        workers.run(parts, scratch, |states, scratch| {
            let mut chunks = states.chunks_mut(MAX_POSITIONS);
            chunks.try_for_each(|states| {
                check_cancelled(observer)?;
                let (n, first) = (states.len(), states[0].position);
                let mut ends: [_; MAX_POSITIONS] = std::array::from_fn(|_| Ends::default());
                for (ends, state) in ends.iter_mut().zip(states) {
                    ends.query = &state.query;
                    ends.out = &mut state.attention;
                }
                self.heads(0, first, &mut ends[..n], scratch)
            })
        })
    }

    fn shape(&self) -> &ModelShape {
        self.engine.model.shape()
    }

    /// Work of one query head with `n_keys` keys, in multiply-accumulates of a ternary product.
    fn work_of_head(&self, n_keys: usize) -> usize {
        2 * self.shape().head_dim as usize * n_keys * FLOAT_WORK
    }

    /// Computes the heads from `first_head` on at up to [`MAX_POSITIONS`] positions from `first`
    /// on.
    fn heads(
        &self,
        first_head: usize,
        first: usize,
        ends: &mut [Ends],
        scratch: &mut Scratch,
    ) -> Result<(), RunError> {
        let head_dim = self.shape().head_dim as usize;
        let group = Self::group(self.shape());
        let n_positions = ends.len();
        let n_heads = ends.first().map_or(0, |ends| ends.out.len()) / head_dim;
        let mut done = 0;
        while done < n_heads {
            let head = first_head + done;
            let kv_head = head / group;
            let end = n_heads.min((kv_head + 1) * group - first_head);
            let elements = done * head_dim..end * head_dim;
            let mut outs: [&mut [f32]; MAX_POSITIONS] = Default::default();
            let mut queries: [&[f32]; MAX_POSITIONS] = Default::default();
            for ((ends, out), query) in ends.iter_mut().zip(&mut outs).zip(&mut queries) {
                *query = &ends.query[elements.clone()];
                *out = &mut ends.out[elements.clone()];
            }
            let queries = Queries {
                of_positions: &queries[..n_positions],
                first,
                head_dim,
            };
            self.of_kv_head(kv_head, queries, &mut outs[..n_positions], scratch)?;
            done = end;
        }
        Ok(())
    }

    fn of_kv_head(
        &self,
        kv_head: usize,
        queries: Queries,
        out: &mut [&mut [f32]],
        scratch: &mut Scratch,
    ) -> Result<(), RunError> {
        let scale = 1.0 / (queries.head_dim as f32).sqrt();
        let (n_keys, first) = (queries.n_keys(), queries.first);
        let keys = self.cache.keys(self.layer, kv_head, n_keys);
        let values = self.cache.values(self.layer, kv_head, n_keys);
        let n_scores = queries.n_heads() * out.len() * n_keys;
        let scores = &mut scratch.scores[..n_scores];
        let (attention, ledger) = (&mut scratch.attention, &mut scratch.ledger);
        let recorder = ledger.op(Op::AttentionScores);
        self.engine
            .kernels
            .attention_scores(queries, keys, scale, scores, attention, recorder);
        let recorder = ledger.op(Op::AttentionSoftmax);
        for (i, scores) in scores.chunks_exact_mut(n_keys).enumerate() {
            let position = first + i / queries.n_heads();
            let failed = |op| non_finite(position, Some(self.layer), op);
            let scores = &mut scores[..position + 1];
            check_finite(scores).map_err(failed(Op::AttentionScores))?;
            let softmax = self.engine.kernels.softmax(scores, recorder);
            softmax.map_err(failed(Op::AttentionSoftmax))?;
        }
        let recorder = ledger.op(Op::AttentionValues);
        self.engine
            .kernels
            .attention_values(scores, values, first, out, attention, recorder);
        Ok(())
    }
}
