//! Slots for what is stored as numbers: an embedding row, and a chunk of the output matrix.

use alloc::vec::Vec;

use super::staging::{Part, Staging};
use crate::error::Result;
use crate::head::HeadChunks;
use crate::memory::{product, zeroed};
use crate::model::{EMBEDDING, FileRange, Model, OUTPUT, OUTPUT_NORM, RowTensor, VectorTensor};
use crate::rows;

/// One row of the embedding.
pub struct EmbeddingSlot {
    /// The token whose row is loaded.
    pub loaded: Option<usize>,
    tensor: RowTensor,
    /// `[n_embd]`.
    row: Vec<f32>,
}

impl EmbeddingSlot {
    /// Allocates one row.
    pub fn new(model: &Model) -> Result<Self> {
        let tensor = model.tensors.embedding;
        Ok(Self {
            loaded: None,
            row: zeroed("embedding row", tensor.n_cols)?,
            tensor,
        })
    }

    /// Plans the row of `token`.
    pub fn plan(&mut self, token: usize, staging: &mut Staging) {
        self.loaded = None;
        let range = FileRange {
            offset: self.tensor.range.offset + token as u64 * self.tensor.row_bytes,
            len: self.tensor.row_bytes,
        };
        staging.plan(range, Part::EmbeddingRow(token));
    }

    /// Decodes and validates the row of `token`.
    pub fn load(&mut self, token: usize, bytes: &[u8]) -> Result<()> {
        let place = (token, self.tensor.n_cols);
        rows::load(self.tensor.row_type, EMBEDDING, place, bytes, &mut self.row)
    }

    /// The decoded row, `[n_embd]`.
    pub fn row(&self) -> &[f32] {
        &self.row
    }
}

/// Some rows of the output matrix, decoded, and the final norm.
pub struct HeadSlot {
    /// The chunk that is loaded.
    pub loaded: Option<usize>,
    /// How the matrix is cut.
    pub chunks: HeadChunks,
    output_norm: VectorTensor,
    /// `[n_embd]`.
    norm: Vec<f32>,
    /// `[rows of the largest chunk, n_embd]`.
    rows: Vec<f32>,
    name: &'static str,
}

impl HeadSlot {
    /// Allocates room for the largest chunk.
    pub fn new(model: &Model) -> Result<Self> {
        let output_norm = model.tensors.output_norm;
        let tensor = *model.tensors.head();
        let chunks = HeadChunks::new(tensor, model.hyperparameters.n_vocab);
        let elements = product("output matrix chunk", chunks.rows(0).len(), tensor.n_cols)?;
        Ok(Self {
            loaded: None,
            chunks,
            output_norm,
            norm: zeroed("output norm", output_norm.len)?,
            rows: zeroed("output matrix chunk", elements)?,
            name: match model.tensors.output {
                Some(_) => OUTPUT,
                None => EMBEDDING,
            },
        })
    }

    /// Plans the rows of `chunk` and the final norm.
    pub fn plan(&mut self, chunk: usize, staging: &mut Staging) {
        self.loaded = None;
        staging.plan(self.chunks.file_range(chunk), Part::OutputRows(chunk));
        staging.plan(self.output_norm.range, Part::OutputNorm);
    }

    /// Decodes and validates the rows of `chunk`.
    pub fn load_rows(&mut self, chunk: usize, bytes: &[u8]) -> Result<()> {
        let (rows, tensor) = (self.chunks.rows(chunk), self.chunks.tensor());
        let out = &mut self.rows[..rows.len() * tensor.n_cols];
        let place = (rows.start, tensor.n_cols);
        rows::load(tensor.row_type, self.name, place, bytes, out)
    }

    /// Decodes and validates the final norm.
    pub fn load_norm(&mut self, bytes: &[u8]) -> Result<()> {
        let place = (0, self.output_norm.len);
        let row_type = self.output_norm.row_type;
        rows::load(row_type, OUTPUT_NORM, place, bytes, &mut self.norm)
    }

    /// The loaded rows, `[rows of the chunk, n_embd]`, and whatever the buffer holds behind them.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The final norm's weights, `[n_embd]`.
    pub fn norm(&self) -> &[f32] {
        &self.norm
    }
}
