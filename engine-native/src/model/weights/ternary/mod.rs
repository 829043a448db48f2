//! Projections. Whatever their type in the file, the kernels see one packed form.
//!
//! Types and rules: `guest-reference/NUMERICS.md`, section 4. The packed form is I2_S `block128`:
//! blocks of 128 weights in 32 bytes, rows padded with zero weights to whole blocks. Tensors in
//! this form are used where they lie in the file's bytes; all others are packed once, at load.

mod blocks;
mod elements;
mod i2s;
mod source;

use std::ops::Range;

pub use source::{BLOCK_LEN, Source, has_code_3, packed_row_bytes};

use crate::{
    gguf::{TensorInfo, TensorType},
    model::{I2sLayout, ModelError},
};

/// A ternary matrix, `[n_rows, n_cols]` row-major, with one scale.
#[derive(Debug, Clone)]
pub struct TernaryMatrix {
    /// Rows, the outputs of the projection.
    pub n_rows: usize,
    /// Columns, its inputs.
    pub n_cols: usize,
    /// The tensor's scale, finite and above 0.
    pub scale: f32,
    packed: Packed,
}

#[derive(Debug, Clone)]
enum Packed {
    InFile(Range<usize>),
    Owned(Vec<u8>),
}

impl TernaryMatrix {
    /// The packed rows, one after another. `file` is the file that the matrix was bound from.
    pub fn packed<'a>(&'a self, file: &'a [u8]) -> &'a [u8] {
        match &self.packed {
            Packed::InFile(range) => &file[range.clone()],
            Packed::Owned(bytes) => bytes,
        }
    }

    /// Bytes allocated for the packed form; 0 if the bytes of the file are used.
    pub fn packed_at_load(&self) -> usize {
        match &self.packed {
            Packed::InFile(_) => 0,
            Packed::Owned(bytes) => bytes.len(),
        }
    }

    /// Binds `info`, and checks its scale and every weight.
    pub(super) fn bind(
        info: &TensorInfo,
        file: &[u8],
        layout: I2sLayout,
    ) -> Result<Self, ModelError> {
        let source = Source {
            name: &info.name,
            n_rows: info.n_rows() as usize,
            n_cols: info.n_cols() as usize,
            bytes: &file[info.in_memory()],
        };
        let matrix = |(packed, scale)| Self {
            n_rows: source.n_rows,
            n_cols: source.n_cols,
            scale,
            packed: Packed::Owned(packed),
        };
        if info.tensor_type == TensorType::I2S {
            i2s::check_row_len(&source, layout)?;
        }
        Ok(match (info.tensor_type, layout) {
            (TensorType::I2S, I2sLayout::Block128) => {
                let scale = i2s::check(&source)?;
                let start = info.in_memory().start;
                let packed = Packed::InFile(start..start + i2s::codes(&source).len());
                Self {
                    packed,
                    ..matrix((Vec::new(), scale))
                }
            }
            (TensorType::I2S, I2sLayout::Row4) => matrix(i2s::pack_row4(&source)?),
            (TensorType::I2S, I2sLayout::Block64) => matrix(i2s::pack_block64(&source)?),
            (TensorType::Tq1_0, _) => matrix(blocks::pack_tq1_0(&source)?),
            (TensorType::Tq2_0, _) => matrix(blocks::pack_tq2_0(&source)?),
            (TensorType::F32, _) => matrix(elements::pack_f32(&source)?),
            (TensorType::F16, _) => matrix(elements::pack_f16(&source)?),
            (TensorType::Bf16, _) => matrix(elements::pack_bf16(&source)?),
            (other, _) => {
                return Err(ModelError::Unsupported {
                    what: format!("type of tensor {}", info.name),
                    found: other.to_string(),
                    supported: format!(
                        "I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, or F32, F16, BF16 with ternary \
                         values{}",
                        other.advice()
                    ),
                });
            }
        })
    }
}
