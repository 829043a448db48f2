//! The operands of RoPE and of attention over one KV head.

use super::DenseRows;
use crate::model::RopePairs;

/// The RoPE angles of one position, `[rope_dim / 2]`.
#[derive(Debug, Clone, Copy)]
pub struct RopeAngles<'a> {
    /// cos(position × inv_freq_j)
    pub cos: &'a [f32],
    /// sin(position × inv_freq_j)
    pub sin: &'a [f32],
    /// Which elements are rotated as a pair.
    pub pairs: RopePairs,
}

/// Queries of a few consecutive positions, which share keys and values. Each position attends to
/// itself and to all before it.
#[derive(Debug, Clone, Copy)]
pub struct Queries<'a> {
    /// The heads of each position, `[n_positions][heads, head_dim]`.
    pub of_positions: &'a [&'a [f32]],
    /// The first position.
    pub first: usize,
    /// Elements of a head.
    pub head_dim: usize,
}

impl Queries<'_> {
    /// Number of query heads of each position.
    pub fn n_heads(&self) -> usize {
        let heads = self.of_positions.first().map_or(0, |heads| heads.len());
        heads / self.head_dim
    }

    /// Number of keys that the last position attends to.
    pub fn n_keys(&self) -> usize {
        self.first + self.of_positions.len()
    }

    /// Multiply-accumulates of the scores, each position with the keys that it attends to.
    pub(crate) fn macs(&self) -> usize {
        let heads = self.n_heads() * self.head_dim;
        (self.first + 1..=self.n_keys()).sum::<usize>() * heads
    }

    /// Asserts that all positions have as many heads, and that keys and scores fit them.
    pub(crate) fn assert_fit(&self, keys: DenseRows, scores: &[f32]) {
        let len = self.n_heads() * self.head_dim;
        assert!(self.of_positions.iter().all(|heads| heads.len() == len));
        assert_eq!(keys.n_cols, self.head_dim);
        assert_eq!(keys.bytes.len(), self.n_keys() * keys.row_bytes());
        let n_rows = self.n_heads() * self.of_positions.len();
        assert_eq!(scores.len(), n_rows * self.n_keys());
    }
}

/// Asserts that weights, values and outputs fit together, where `first` is the position of
/// `out[0]`. Returns the multiply-accumulates of the weighted sums.
pub(crate) fn assert_sums_fit(
    weights: &[f32],
    values: DenseRows,
    first: usize,
    out: &[&mut [f32]],
) -> usize {
    let (n_keys, len) = (first + out.len(), out.first().map_or(0, |out| out.len()));
    assert!(out.iter().all(|out| out.len() == len) && len.is_multiple_of(values.n_cols));
    assert_eq!(values.bytes.len(), n_keys * values.row_bytes());
    assert_eq!(weights.len(), len / values.n_cols * out.len() * n_keys);
    (first + 1..=n_keys).sum::<usize>() * len
}

/// Sixteen lanes, aligned to a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Lanes16(pub [f32; 16]);

/// Rows of keys or values in a block.
pub const BLOCK_ROWS: usize = 16;

/// Scratch memory of attention, for widened keys and values, queries and sums.
#[derive(Debug)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "scalar attention needs no scratch")
)]
pub struct AttentionScratch {
    /// A block of keys or values, widened to f32.
    pub(crate) rows: Vec<Lanes16>,
    /// All queries, or all sums, zero-padded to whole lanes.
    pub(crate) heads: Vec<Lanes16>,
}

impl AttentionScratch {
    /// Allocates room for `n_heads` heads of `head_dim` elements, counted over all positions.
    pub fn new(n_heads: usize, head_dim: usize) -> Self {
        let lanes = head_dim.div_ceil(16);
        Self {
            rows: vec![Lanes16([0.0; 16]); BLOCK_ROWS * lanes],
            heads: vec![Lanes16([0.0; 16]); n_heads * lanes],
        }
    }
}
