//! The options of a session, and the memory that it needs.

use super::attention::{Attention, MAX_POSITIONS};
use crate::{
    model::{KvType, ModelDescription, ModelShape},
    workers::ScratchSize,
};

/// Default number of positions per thread that prefill takes through a layer together. Weights are
/// unpacked once for all of them, and their activations still fit in a cache.
const PREFILL_CHUNK: usize = 256;

/// At which positions logits are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogitsAt {
    /// Only at positions that choose a token.
    #[default]
    ChoosingPositions,
    /// At every position; each step returns them.
    EveryPosition,
}

/// Options of a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionOptions {
    /// Element type of the KV cache.
    pub kv_type: KvType,
    /// Positions that the session has room for.
    pub n_positions: usize,
    /// At which positions logits are computed.
    pub logits: LogitsAt,
    /// Every position from this one on chooses a token, not only the last one of a step. Used to
    /// check claimed tokens, which are fed like a prompt.
    pub choose_from: usize,
    /// Positions per thread that prefill takes through a layer together, at least 1. Does not
    /// change any result.
    pub prefill_chunk: usize,
}

impl SessionOptions {
    /// The defaults, with room for `n_positions` positions.
    pub fn new(n_positions: usize) -> Self {
        Self {
            kv_type: KvType::default(),
            n_positions,
            logits: LogitsAt::default(),
            choose_from: usize::MAX,
            prefill_chunk: PREFILL_CHUNK,
        }
    }

    /// Bytes that a session will allocate for `model` and an engine with `n_threads` threads, apart
    /// from small buffers.
    pub fn bytes_needed(&self, model: &ModelDescription, n_threads: usize) -> u64 {
        let shape = &model.shape;
        // In u128 nothing overflows: shapes are validated.
        let [embd, ff, layers] = [shape.n_embd, shape.n_ff, shape.n_layers].map(u128::from);
        let q = u128::from(shape.n_heads) * u128::from(shape.head_dim);
        let kv = u128::from(shape.n_kv_heads) * u128::from(shape.head_dim);
        let positions = self.n_positions as u128;
        let chunk = self.n_states(n_threads) as u128;
        let cache = 2 * layers * kv * positions * self.kv_type.bytes() as u128;
        let traces = positions * (layers + 1) * embd * 4;
        let angles = positions * u128::from(shape.rope_dim) * 4;
        // Of each block of quantized activations, a scale and a sum.
        let of_blocks = (embd + q + ff) / 4;
        let states = chunk * (13 * embd + 9 * q + 8 * kv + 17 * ff + of_blocks);
        let logits = u128::from(shape.n_vocab) * 4;
        let scratch = self.scratch_size(model, n_threads).bytes() * n_threads as u128;
        u64::try_from(cache + traces + angles + states + logits + scratch).unwrap_or(u64::MAX)
    }

    /// Number of positions that go through a layer together.
    pub(super) fn n_states(&self, n_threads: usize) -> usize {
        let chunk = self.prefill_chunk.max(1).saturating_mul(n_threads);
        chunk.min(self.n_positions.max(1))
    }

    pub(super) fn scratch_size(&self, model: &ModelDescription, n_threads: usize) -> ScratchSize {
        let shape = &model.shape;
        ScratchSize {
            n_positions: self.n_positions,
            n_queries: Attention::group(shape) * MAX_POSITIONS.min(self.n_states(n_threads)),
            head_dim: shape.head_dim as usize,
            n_cols: longest_row(shape) as usize,
            gemm_positions: self.n_states(n_threads).div_ceil(n_threads),
            is_grouped: model.has_grouped_projections,
        }
    }
}

/// Columns of the widest projection.
fn longest_row(shape: &ModelShape) -> u64 {
    let attention = shape.n_heads * shape.head_dim;
    shape.n_embd.max(shape.n_ff).max(attention)
}
