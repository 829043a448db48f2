//! Attention of some heads at some successive positions: scores, softmax and weighted sums, one KV
//! head after another.

use crate::{
    error::{RunError, non_finite},
    kernels::{Kernels, Queries, check_finite},
    kv_cache::KvCache,
    model::ModelShape,
    op::Op,
    workers::Scratch,
};

/// Positions that go over keys and values together.
pub(crate) const MAX_POSITIONS: usize = 4;

/// Attention of one layer over the positions in the cache.
pub(crate) struct Attention<'a> {
    pub kernels: &'a dyn Kernels,
    pub shape: &'a ModelShape,
    pub cache: &'a KvCache,
    pub layer: usize,
}

/// The query of a position, and what attention makes of it: the same heads of both.
#[derive(Default)]
pub(crate) struct Ends<'a> {
    pub query: &'a [f32],
    pub out: &'a mut [f32],
}

impl Attention<'_> {
    /// Query heads that share a KV head.
    pub(crate) fn group(shape: &ModelShape) -> usize {
        (shape.n_heads / shape.n_kv_heads) as usize
    }

    /// Heads `first_head` and following at up to [`MAX_POSITIONS`] positions from `first` on.
    pub(crate) fn heads(
        &self,
        first_head: usize,
        first: usize,
        ends: &mut [Ends],
        scratch: &mut Scratch,
    ) -> Result<(), RunError> {
        let head_dim = self.shape.head_dim as usize;
        let group = Self::group(self.shape);
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
        self.kernels
            .attention_scores(queries, keys, scale, scores, attention, recorder);
        let recorder = ledger.op(Op::AttentionSoftmax);
        for (i, scores) in scores.chunks_exact_mut(n_keys).enumerate() {
            let position = first + i / queries.n_heads();
            let failed = |op| non_finite(position, Some(self.layer), op);
            let scores = &mut scores[..position + 1];
            check_finite(scores).map_err(failed(Op::AttentionScores))?;
            let softmax = self.kernels.softmax(scores, recorder);
            softmax.map_err(failed(Op::AttentionSoftmax))?;
        }
        let recorder = ledger.op(Op::AttentionValues);
        self.kernels
            .attention_values(scores, values, first, out, attention, recorder);
        Ok(())
    }
}
