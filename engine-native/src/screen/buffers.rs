//! What a session screens its choices with.

use std::ops::Range;

use crate::{operands::ScreenActivations, workers::MAX_PARTS};

/// What a session screens its choices with.
#[derive(Debug)]
pub(crate) struct ScreenBuffers {
    pub x: ScreenActivations,
    /// Of each part of the rows, the one that looks best.
    pub best_of_parts: Vec<Option<usize>>,
    /// `[n_rows]`; the first of them are those that are left, ascending.
    pub rows: Vec<u32>,
    /// Where those of each part lie, before they are put together.
    pub rows_of_parts: Vec<Range<usize>>,
    /// Logits of the rows that are left.
    pub logits: Vec<f32>,
    /// Choices in a row that screening has left to the full product.
    pub n_futile: u32,
}

impl ScreenBuffers {
    /// For `n_rows` rows of `n_cols`.
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

    /// Makes them ready for a run.
    pub(crate) fn reset(&mut self) {
        self.n_futile = 0;
    }
}
