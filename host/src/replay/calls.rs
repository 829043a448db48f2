//! The work of a call into the guest, in multiply-accumulates. Progress counts work, not calls,
//! because calls take very different times.

use crate::sandbox::GuestShape;

/// The work of one layer at `position`: projections, and attention over the positions up to it.
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

/// The work of one chunk of the output matrix at one position.
pub(super) fn head_chunk_work(shape: &GuestShape) -> u64 {
    shape.n_embd.saturating_mul(shape.n_vocab) / shape.n_head_chunks.max(1)
}
