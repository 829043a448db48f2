//! The buffers of a session for screened choices.

use std::ops::Range;

use crate::{operands::ScreenActivations, workers::MAX_PARTS};

/// The buffers of a session for screened choices.
#[derive(Debug)]
pub(crate) struct ScreenBuffers {
    pub x: ScreenActivations,
    /// The row with the largest approximation in each part.
    pub best_of_parts: Vec<Option<usize>>,
    /// `[n_rows]`; the rows that are left come first, in ascending order.
    pub rows: Vec<u32>,
    /// Where the rows left in each part lie, before they are moved together.
    pub rows_of_parts: Vec<Range<usize>>,
    /// Approximations, then logits, of the rows that are left.
    pub logits: Vec<f32>,
    /// Number of consecutive choices that needed the full product.
    pub n_futile: u32,
}

impl ScreenBuffers {
    /// Allocates buffers for `n_rows` rows of `n_cols` elements.
    pub(crate) fn new(n_rows: usize, n_cols: usize) -> Self {
        Self {
            x: ScreenActivations::with_len(n_cols),
            best_of_parts: vec![None; MAX_PARTS],
            rows: vec![0; n_rows],
            rows_of_parts: vec![0..0; MAX_PARTS],
            logits: Vec::with_capacity(n_rows),
            n_futile: 0,
        }
    }

    /// Prepares the buffers for a new run.
    pub(crate) fn reset(&mut self) {
        self.n_futile = 0;
    }
}
