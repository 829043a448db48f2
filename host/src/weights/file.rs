//! A model file whose rows are read piece by piece.

use std::{
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use engine_native::{
    I2sLayout, ModelError, ModelShape, ModelSource,
    gguf::{Gguf, TensorInfo, TensorType},
};

use super::{decode::decode_rows, error::WeightsError, stored::Stored};

/// The longest row that is read. No row of a model that runs here is longer.
const MAX_COLUMNS: u64 = 1 << 20;

/// A model file.
pub(super) struct WeightFile {
    path: PathBuf,
    source: ModelSource,
    gguf: Gguf,
    layout: I2sLayout,
}

/// A tensor of it whose type can be read.
#[derive(Debug, Clone)]
pub(super) struct Tensor<'a> {
    pub(super) info: &'a TensorInfo,
    stored: Stored,
    row_bytes: u64,
    /// Multiplies all weights of types that have one scale for a tensor.
    scale: f32,
}

impl WeightFile {
    pub(super) fn open(path: &Path, layout: I2sLayout) -> Result<Self, WeightsError> {
        let of = |source| WeightsError::Model {
            path: path.into(),
            source,
        };
        let source = ModelSource::open(path).map_err(|e| of(e.into()))?;
        let gguf = source.header().map_err(of)?;
        Ok(Self {
            path: path.into(),
            source,
            gguf,
            layout,
        })
    }

    fn failed(&self, source: ModelError) -> WeightsError {
        WeightsError::Model {
            path: self.path.clone(),
            source,
        }
    }

    /// The settings that its keys give.
    pub(super) fn shape(&self) -> Result<ModelShape, WeightsError> {
        ModelShape::from_gguf(&self.gguf).map_err(|e| self.failed(e))
    }

    pub(super) fn tensors(&self) -> &[TensorInfo] {
        &self.gguf.tensors
    }

    /// Checks that nobody has written to the file since it was opened.
    pub(super) fn check_unchanged(&self) -> Result<(), WeightsError> {
        self.source.check_unchanged().map_err(|e| self.failed(e))
    }

    /// A tensor, if its rows can be read and lie inside the file.
    pub(super) fn tensor<'a>(&'a self, info: &'a TensorInfo) -> Result<Tensor<'a>, WeightsError> {
        let stored =
            Stored::of(info.tensor_type, self.layout).ok_or_else(|| WeightsError::Type {
                path: self.path.clone(),
                tensor: info.name.clone(),
                found: info.tensor_type.to_string(),
                advice: advice(info.tensor_type),
            })?;
        let shape = |found: String, allowed| WeightsError::Shape {
            path: self.path.clone(),
            tensor: info.name.clone(),
            stored: stored.to_string(),
            found,
            allowed,
        };
        let (n_cols, n_rows) = (info.n_cols(), info.n_rows());
        let row_bytes = stored.row_bytes(n_cols).filter(|_| n_cols <= MAX_COLUMNS);
        let row_bytes = row_bytes.ok_or_else(|| {
            let allowed = "whole blocks of its type, at most 2^20 columns";
            shape(format!("{n_cols} columns"), allowed)
        })?;
        if !n_rows.is_multiple_of(stored.rows_together()) {
            return Err(shape(format!("{n_rows} rows"), "a multiple of 4"));
        }
        let trailer = 4 * u64::from(stored.has_trailing_scale());
        let end = row_bytes.checked_mul(n_rows);
        let end = end.and_then(|n| n.checked_add(info.bytes.start)?.checked_add(trailer));
        if end.is_none_or(|end| end > self.source.file_len()) {
            let allowed = "a range inside the file (is it truncated?)";
            return Err(shape(
                format!("{n_rows} rows of {row_bytes} bytes"),
                allowed,
            ));
        }
        let mut tensor = Tensor {
            info,
            stored,
            row_bytes,
            scale: 1.0,
        };
        if stored.has_trailing_scale() {
            let mut scale = [0; 4];
            self.read_at(info.bytes.start + row_bytes * n_rows, &mut scale)?;
            tensor.scale = f32::from_le_bytes(scale);
        }
        Ok(tensor)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), WeightsError> {
        let mut file = self.source.file();
        let read = file.seek(SeekFrom::Start(offset));
        let read = read.and_then(|_| file.read_exact(bytes));
        read.map_err(|e| match self.source.check_unchanged() {
            // A file that was shortened is the more useful thing to say.
            Err(changed) => self.failed(changed),
            Ok(()) => self.failed(e.into()),
        })
    }

    /// The stored bytes of `n_rows` rows from `first` on.
    pub(super) fn bytes(
        &self,
        tensor: &Tensor,
        first: u64,
        n_rows: u64,
    ) -> Result<Vec<u8>, WeightsError> {
        let mut bytes = vec![0; (n_rows * tensor.row_bytes) as usize];
        self.read_at(
            tensor.info.bytes.start + first * tensor.row_bytes,
            &mut bytes,
        )?;
        Ok(bytes)
    }
}

impl Tensor<'_> {
    /// Whether equal bytes are equal weights.
    pub(super) fn is_stored_as(&self, other: &Self) -> bool {
        self.stored == other.stored && self.scale.to_bits() == other.scale.to_bits()
    }

    /// Rows that are read together.
    pub(super) fn rows_together(&self) -> u64 {
        self.stored.rows_together()
    }

    /// The weights in the `bytes` of whole rows, `[n_rows][n_cols]`.
    pub(super) fn weights(&self, bytes: &[u8]) -> Vec<f32> {
        let n_cols = self.info.n_cols() as usize;
        let mut weights = Vec::with_capacity(bytes.len() / self.row_bytes as usize * n_cols);
        decode_rows(self.stored, n_cols, bytes, self.scale, &mut weights);
        weights
    }
}

fn advice(tensor_type: TensorType) -> &'static str {
    match tensor_type {
        TensorType::Other(334 | 335) => {
            "rows are interleaved; let the engine interleave them when it loads the plain type"
        }
        _ => {
            "convert the model to a type that is known here, such as I2_S, TQ1_0, TQ2_0, Q2_0 or IQ2_BN"
        }
    }
}
