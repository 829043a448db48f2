//! Attention of one position: scores, softmax and weighted sum, head by head.

use crate::{
    error::{RunError, non_finite},
    kernels::Kernels,
    kv_cache::KvCache,
    model::ModelShape,
    op::Op,
    workers::Scratch,
};

/// Attention of one layer over the positions in the cache.
pub(crate) struct Attention<'a> {
    pub kernels: &'a dyn Kernels,
    pub shape: &'a ModelShape,
    pub cache: &'a KvCache,
    pub layer: usize,
}

impl Attention<'_> {
    /// The heads from `first` on that fill `out`, for the query at `position`.
    pub(crate) fn heads(
        &self,
        first: usize,
        query: &[f32],
        position: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), RunError> {
        let head_dim = self.shape.head_dim as usize;
        let group = (self.shape.n_heads / self.shape.n_kv_heads) as usize;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let (n, ledger) = (position + 1, &mut scratch.ledger);
        let scores = &mut scratch.scores[..n];
        for (i, out) in out.chunks_exact_mut(head_dim).enumerate() {
            let head = first + i;
            let query = &query[head * head_dim..(head + 1) * head_dim];
            let keys = self.cache.keys(self.layer, head / group, n);
            let values = self.cache.values(self.layer, head / group, n);
            let recorder = ledger.op(Op::AttentionScores);
            self.kernels
                .attention_scores(query, keys, scale, scores, recorder)
                .map_err(non_finite(position, Some(self.layer), Op::AttentionScores))?;
            self.kernels
                .softmax(scores, ledger.op(Op::AttentionSoftmax))
                .map_err(non_finite(position, Some(self.layer), Op::AttentionSoftmax))?;
            let recorder = ledger.op(Op::AttentionValues);
            self.kernels.attention_values(scores, values, out, recorder);
        }
        Ok(())
    }
}
