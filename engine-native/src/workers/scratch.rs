//! The scratch memory of a thread.

use crate::{
    ledger::Ledger,
    operands::{AttentionScratch, GemmScratch},
};

/// The ledger and the buffers of one thread.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub ledger: Ledger,
    /// Attention scores, `[n_queries, n_positions]`.
    pub scores: Vec<f32>,
    /// Scratch memory of attention.
    pub attention: AttentionScratch,
    /// Scratch memory of a ternary GEMM.
    pub gemm: GemmScratch,
}

/// Sizes that a thread's scratch memory depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScratchSize {
    /// Positions of a run.
    pub n_positions: usize,
    /// Query heads that share one pass over keys and values, counted over all positions.
    pub n_queries: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Columns of the widest projection.
    pub n_cols: usize,
    /// Positions that a thread takes through a GEMM together.
    pub gemm_positions: usize,
    /// Whether the projections are grouped ternary.
    pub is_grouped: bool,
}

impl ScratchSize {
    /// Bytes that a thread will allocate, apart from small buffers.
    pub(crate) fn bytes(&self) -> u128 {
        let (n_cols, n_positions) = (self.n_cols as u64, self.gemm_positions as u64);
        let gemm = match self.is_grouped {
            true => GemmScratch::grouped_bytes(n_cols, n_positions),
            false => GemmScratch::bytes(n_cols, n_positions),
        };
        let scores = self.n_positions as u128 * self.n_queries as u128 * 4;
        u128::from(gemm) + scores
    }
}

impl Scratch {
    /// Allocates the scratch memory of one thread.
    pub(crate) fn new(size: ScratchSize) -> Self {
        Self {
            ledger: Ledger::default(),
            scores: vec![0.0; size.n_positions * size.n_queries],
            attention: AttentionScratch::new(size.n_queries, size.head_dim),
            gemm: match size.is_grouped {
                true => GemmScratch::grouped(size.n_cols, size.gemm_positions),
                false => GemmScratch::new(size.n_cols, size.gemm_positions),
            },
        }
    }
}
