//! The output matrix: logits of some rows at a time, and the greedy choice over all of them.

use alloc::vec::Vec;

use crate::error::{Fault, Result};
use crate::fast::{HalfTable, dot16_half};
use crate::float::{LANES, dot16};
use crate::memory::zeroed;
use crate::model::{FileRange, RowTensor};
use crate::ops::finite;
use crate::rows::RowType;

/// Most bytes of the output matrix in memory at a time.
pub const MAX_CHUNK_BYTES: u64 = 64 << 20;

/// How the output matrix is cut into runs of whole rows.
#[derive(Clone, Copy, Debug)]
pub struct HeadChunks {
    tensor: RowTensor,
    n_rows: usize,
    rows_per_chunk: usize,
}

impl HeadChunks {
    /// Cuts a matrix of `n_rows` rows.
    pub fn new(tensor: RowTensor, n_rows: usize) -> Self {
        let fitting = (MAX_CHUNK_BYTES / tensor.row_bytes).max(1);
        Self {
            tensor,
            n_rows,
            rows_per_chunk: usize::try_from(fitting).unwrap_or(n_rows).min(n_rows),
        }
    }

    /// Number of chunks.
    pub fn count(&self) -> usize {
        self.n_rows.div_ceil(self.rows_per_chunk)
    }

    /// Rows of one chunk.
    pub fn rows(&self, chunk: usize) -> core::ops::Range<usize> {
        let start = chunk * self.rows_per_chunk;
        start..(start + self.rows_per_chunk).min(self.n_rows)
    }

    /// Where one chunk lies in the file.
    pub fn file_range(&self, chunk: usize) -> FileRange {
        let rows = self.rows(chunk);
        FileRange {
            offset: self.tensor.range.offset + rows.start as u64 * self.tensor.row_bytes,
            len: rows.len() as u64 * self.tensor.row_bytes,
        }
    }

    /// The matrix.
    pub fn tensor(&self) -> &RowTensor {
        &self.tensor
    }
}

/// Computes logits of loaded rows.
pub struct LogitKernel {
    table: HalfTable,
    /// One widened row, `[n_embd]`.
    row: Vec<f32>,
}

impl LogitKernel {
    /// Allocates for rows of `n_embd` elements.
    pub fn new(n_embd: usize) -> Result<Self> {
        Ok(Self {
            table: HalfTable::new()?,
            row: zeroed("output row", n_embd)?,
        })
    }

    /// `logits[i] = dot16(row i, hidden)`; `rows` holds `logits.len()` rows of `row_type`.
    pub fn logits(
        &mut self,
        row_type: RowType,
        rows: &[u8],
        hidden: &[f32],
        logits: &mut [f32],
    ) -> Result<(), Fault> {
        let row_bytes = rows.len() / logits.len();
        for (i, (row, logit)) in rows.chunks_exact(row_bytes).zip(logits).enumerate() {
            *logit = finite("logit of loaded row", i, self.logit(row_type, row, hidden))?;
        }
        Ok(())
    }

    fn logit(&mut self, row_type: RowType, row: &[u8], hidden: &[f32]) -> f32 {
        if row_type == RowType::F16 && hidden.len().is_multiple_of(LANES) {
            return dot16_half(row, hidden, &self.table);
        }
        row_type.decode(row, &mut self.row);
        dot16(&self.row, hidden)
    }
}

/// The greedy choice of one position while its chunks pass by in ascending order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    /// Chunks seen since the final norm; `None` before it.
    seen: Option<usize>,
    best: Option<(usize, f32)>,
}

impl Choice {
    /// A choice that expects chunk 0.
    pub fn started() -> Self {
        Self {
            seen: Some(0),
            best: None,
        }
    }

    /// The chunk that has to come next, if the final norm has been computed.
    pub fn next_chunk(&self) -> Option<usize> {
        self.seen
    }

    /// Takes the logits of the next chunk, whose first row is `first_row`.
    ///
    /// Only a greater logit replaces the best one, so the lowest row wins ties and -0 equals +0.
    pub fn see(&mut self, first_row: usize, logits: &[f32]) {
        for (i, &logit) in logits.iter().enumerate() {
            if self.best.is_none_or(|(_, best)| logit > best) {
                self.best = Some((first_row + i, logit));
            }
        }
        self.seen = self.seen.map(|seen| seen + 1);
    }

    /// The chosen row and its logit, once all `n_chunks` chunks have been seen.
    pub fn chosen(&self, n_chunks: usize) -> Option<(usize, f32)> {
        self.best.filter(|_| self.seen == Some(n_chunks))
    }
}
