//! The output matrix: logits of some rows at a time, and the greedy choice over all of them.

use alloc::vec::Vec;

use crate::error::{Fault, Result};
use crate::fast::dot16;
use crate::memory::zeroed;
use crate::model::{FileRange, RowTensor};
use crate::ops::{all_finite, finite};
use crate::projection::QuantizedInput;
use crate::ternary::TernaryMatrix;

/// Most bytes of the output matrix that are in memory at a time, as f32 or as packed ternary
/// weights. A longer row comes alone.
///
/// Measured: small enough to stay in a core's cache while every position passes over it.
pub const CHUNK_BYTES: usize = 1 << 20;

/// How the output matrix is cut into chunks of whole rows.
#[derive(Clone, Copy, Debug)]
pub struct HeadChunks {
    tensor: RowTensor,
    n_rows: usize,
    rows_per_chunk: usize,
}

impl HeadChunks {
    /// Cuts a matrix of `n_rows` rows.
    pub fn new(tensor: RowTensor, n_rows: usize) -> Self {
        let fitting = CHUNK_BYTES / tensor.matrix_type.loaded_row_bytes(tensor.n_cols);
        Self {
            tensor,
            n_rows,
            rows_per_chunk: fitting.max(1).min(n_rows),
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

/// `logits[i] = dot16(row i, hidden)`; `rows` may hold more rows than there are logits.
pub fn logits(rows: &[f32], hidden: &[f32], logits: &mut [f32]) -> Result<(), Fault> {
    for (i, (row, logit)) in rows.chunks_exact(hidden.len()).zip(logits).enumerate() {
        *logit = finite("logit of loaded row", i, dot16(row, hidden))?;
    }
    Ok(())
}

/// Rows of the output matrix, as they are multiplied. There may be more than there are logits.
#[derive(Clone, Copy)]
pub enum OutputRows<'a> {
    /// `[n_rows, n_embd]`.
    Numbers(&'a [f32]),
    /// Grouped ternary weights.
    Grouped(TernaryMatrix<'a>),
}

/// What logits need besides the rows: the hidden state as grouped ternary rows take it.
pub struct HeadWorkspace {
    input: QuantizedInput,
    /// `[n_embd]`.
    q: Vec<i8>,
}

impl HeadWorkspace {
    /// Allocates everything.
    pub fn new(n_embd: usize) -> Result<Self> {
        Ok(Self {
            input: QuantizedInput::new(n_embd, true)?,
            q: zeroed("quantized hidden state", n_embd)?,
        })
    }

    /// The logit of each row, all finite.
    pub fn logits(
        &mut self,
        rows: OutputRows<'_>,
        hidden: &[f32],
        out: &mut [f32],
    ) -> Result<(), Fault> {
        match rows {
            OutputRows::Numbers(rows) => logits(rows, hidden, out),
            OutputRows::Grouped(matrix) => {
                self.input.quantize(hidden, &mut self.q)?;
                self.input.multiply(matrix, out);
                all_finite("logit of loaded row", out)
            }
        }
    }
}

/// The greedy choice of one position, made while the chunks pass by in ascending order.
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

    /// The chunk that must come next, if the final norm has been computed.
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
