//! What one thread works in.

use crate::{
    ledger::Ledger,
    operands::{AttentionScratch, GemmScratch},
};

/// What one thread keeps to itself.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub ledger: Ledger,
    /// Attention scores of the query heads of one KV head at a few positions.
    pub scores: Vec<f32>,
    /// Widened keys and values.
    pub attention: AttentionScratch,
    /// Of a ternary product over many positions.
    pub gemm: GemmScratch,
}

/// What a thread needs room for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScratchSize {
    /// Positions of a run.
    pub n_positions: usize,
    /// Query heads that go over keys and values together, those of all positions counted.
    pub n_queries: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Columns of the widest projection.
    pub n_cols: usize,
    /// Positions that a thread takes through a product together.
    pub gemm_positions: usize,
}

impl ScratchSize {
    /// Bytes that a thread allocates, small things aside.
    pub(crate) fn bytes(&self) -> u128 {
        let gemm = GemmScratch::bytes(self.n_cols as u64, self.gemm_positions as u64);
        let scores = self.n_positions as u128 * self.n_queries as u128 * 4;
        u128::from(gemm) + scores
    }
}

impl Scratch {
    /// For one thread.
    pub(crate) fn new(size: ScratchSize) -> Self {
        Self {
            ledger: Ledger::default(),
            scores: vec![0.0; size.n_positions * size.n_queries],
            attention: AttentionScratch::new(size.n_queries, size.head_dim),
            gemm: GemmScratch::new(size.n_cols, size.gemm_positions),
        }
    }
}
