//! How much a call of the guest computes, in multiply-accumulates: calls take very different times.

use crate::sandbox::GuestShape;

/// Work of one layer at `position`: its projections, and attention over the positions up to it.
pub(super) fn layer_work(shape: &GuestShape, position: usize) -> u64 {
    let q_dim = shape.n_heads.saturating_mul(shape.head_dim);
    let kv_dim = shape.n_kv_heads.saturating_mul(shape.head_dim);
    let columns = (q_dim + kv_dim)
        .saturating_mul(2)
        .saturating_add(shape.n_ff.saturating_mul(3));
    let attention = (position as u64 + 1).saturating_mul(q_dim.saturating_mul(2));
    shape
        .n_embd
        .saturating_mul(columns)
        .saturating_add(attention)
}

/// Work of the output matrix at one position, for one chunk of its rows.
pub(super) fn head_chunk_work(shape: &GuestShape) -> u64 {
    shape.n_embd.saturating_mul(shape.n_vocab) / shape.n_head_chunks.max(1)
}
