//! Slots for an embedding row and for a chunk of the output matrix.

use alloc::format;
use alloc::vec::Vec;

use super::staging::{Part, Staging};
use crate::error::{Error, Result};
use crate::head::{HeadChunks, OutputRows};
use crate::memory::{product, zeroed};
use crate::model::{
    EMBEDDING, FileRange, MatrixType, Model, OUTPUT, OUTPUT_NORM, RowTensor, VectorTensor,
};
use crate::rows::{self, RowType};
use crate::ternary::{GROUP_WEIGHTS, GroupedType, PackedMatrix};

/// One row of the embedding.
pub struct EmbeddingSlot {
    /// The token whose row is loaded.
    pub loaded: Option<usize>,
    tensor: RowTensor,
    /// `[n_embd]`.
    row: Vec<f32>,
    /// `[n_embd]`: the weights of a grouped ternary row.
    weights: Vec<i8>,
    /// `[n_embd / 64]`: its scales.
    scales: Vec<f32>,
}

impl EmbeddingSlot {
    /// Allocates one row.
    pub fn new(model: &Model) -> Result<Self> {
        let tensor = model.tensors.embedding;
        Ok(Self {
            loaded: None,
            row: zeroed("embedding row", tensor.n_cols)?,
            weights: zeroed("embedding row", tensor.n_cols)?,
            scales: zeroed("embedding row", tensor.n_cols / GROUP_WEIGHTS)?,
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
        let grouped_type = match self.tensor.matrix_type {
            MatrixType::Numbers(row_type) => {
                let place = (token, self.tensor.n_cols);
                return rows::load(row_type, EMBEDDING, place, bytes, &mut self.row);
            }
            MatrixType::Grouped(grouped_type) => grouped_type,
        };
        grouped_type
            .decode(bytes, &mut self.weights, &mut self.scales)
            .map_err(|why| refused(EMBEDDING, &format!("row {token}: {why}")))?;
        let groups = self.row.chunks_exact_mut(GROUP_WEIGHTS);
        let groups = groups.zip(self.weights.chunks_exact(GROUP_WEIGHTS));
        for ((row, weights), d) in groups.zip(&self.scales) {
            for (value, weight) in row.iter_mut().zip(weights) {
                *value = f32::from(*weight) * d;
            }
        }
        Ok(())
    }

    /// The decoded row, `[n_embd]`.
    pub fn row(&self) -> &[f32] {
        &self.row
    }
}

/// The type of the rows in the file, and room for the largest chunk.
enum ChunkRows {
    /// `[rows, n_embd]`.
    Numbers(RowType, Vec<f32>),
    Grouped(GroupedType, PackedMatrix),
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
    rows: ChunkRows,
    name: &'static str,
}

impl HeadSlot {
    /// Allocates room for the largest chunk.
    pub fn new(model: &Model) -> Result<Self> {
        let output_norm = model.tensors.output_norm;
        let tensor = *model.tensors.head();
        let chunks = HeadChunks::new(tensor, model.hyperparameters.n_vocab);
        let (n_rows, n_cols) = (chunks.rows(0).len(), tensor.n_cols);
        Ok(Self {
            loaded: None,
            chunks,
            output_norm,
            norm: zeroed("output norm", output_norm.len)?,
            rows: match tensor.matrix_type {
                MatrixType::Numbers(row_type) => {
                    let elements = product("output matrix chunk", n_rows, n_cols)?;
                    ChunkRows::Numbers(row_type, zeroed("output matrix chunk", elements)?)
                }
                MatrixType::Grouped(grouped_type) => {
                    ChunkRows::Grouped(grouped_type, PackedMatrix::grouped(n_rows, n_cols)?)
                }
            },
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
        let (rows, n_cols) = (self.chunks.rows(chunk), self.chunks.tensor().n_cols);
        match &mut self.rows {
            ChunkRows::Numbers(row_type, out) => {
                let out = &mut out[..rows.len() * n_cols];
                rows::load(*row_type, self.name, (rows.start, n_cols), bytes, out)
            }
            ChunkRows::Grouped(grouped_type, matrix) => {
                matrix.start(rows.start);
                let loaded = matrix.load_grouped_rows(*grouped_type, 0, bytes);
                loaded.map_err(|why| refused(self.name, &why))
            }
        }
    }

    /// Decodes and validates the final norm.
    pub fn load_norm(&mut self, bytes: &[u8]) -> Result<()> {
        let place = (0, self.output_norm.len);
        let row_type = self.output_norm.row_type;
        rows::load(row_type, OUTPUT_NORM, place, bytes, &mut self.norm)
    }

    /// The loaded rows, and whatever the buffer holds behind them.
    pub fn rows(&self) -> OutputRows<'_> {
        match &self.rows {
            ChunkRows::Numbers(_, rows) => OutputRows::Numbers(rows),
            ChunkRows::Grouped(_, matrix) => OutputRows::Grouped(matrix.matrix()),
        }
    }

    /// The final norm's weights, `[n_embd]`.
    pub fn norm(&self) -> &[f32] {
        &self.norm
    }
}

fn refused(name: &str, why: &str) -> Error {
    Error::Malformed(format!("tensor `{name}`: {why}"))
}
