//! Token embedding and output matrix, as byte ranges of the file, and norm weights.

use std::ops::Range;

use crate::{
    gguf::{GgufError, TensorInfo, TensorType},
    model::{DenseType, ModelError},
    observer::Observer,
};

/// Elements that are checked before the observer is asked again: whole blocks of every type.
const PIECE_ELEMENTS: usize = 1 << 20;

/// A dense matrix, `[n_rows, n_cols]` row-major: token embedding or output matrix.
#[derive(Debug, Clone)]
pub struct DenseMatrix {
    /// Rows, the vocabulary.
    pub n_rows: usize,
    /// Columns, n_embd.
    pub n_cols: usize,
    /// Element type.
    pub dense_type: DenseType,
    bytes: Range<usize>,
}

impl DenseMatrix {
    /// All rows, of [`DenseMatrix::row_bytes`] bytes each. `file` is the file that the matrix was
    /// bound from.
    pub fn rows<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.bytes.clone()]
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.dense_type.row_bytes(self.n_cols)
    }

    /// Binds `info` and checks that every element is finite.
    pub(super) fn bind(
        info: &TensorInfo,
        dense_type: DenseType,
        file: &[u8],
        observer: &dyn Observer,
    ) -> Result<Self, ModelError> {
        let piece_len = dense_type.row_bytes(PIECE_ELEMENTS);
        let pieces = file[info.in_memory()].chunks(piece_len);
        for (i, piece) in pieces.enumerate() {
            check_cancelled(observer)?;
            if let Some(byte) = first_non_finite(dense_type, piece) {
                return Err(GgufError::invalid(
                    format!("tensor {}, byte {}", info.name, i * piece_len + byte),
                    "a value that is not finite",
                    "finite values",
                )
                .into());
            }
            observer.advance(piece.len() as u64);
        }
        Ok(Self {
            n_rows: info.n_rows() as usize,
            n_cols: info.n_cols() as usize,
            dense_type,
            bytes: info.in_memory(),
        })
    }
}

/// Fails if `observer` wants the loading to stop.
pub(super) fn check_cancelled(observer: &dyn Observer) -> Result<(), ModelError> {
    match observer.is_cancelled() {
        true => Err(ModelError::Cancelled),
        false => Ok(()),
    }
}

/// Byte offset of the first block with a value or scale that is not finite. Quantized values are
/// finite if their scales are.
fn first_non_finite(dense_type: DenseType, rows: &[u8]) -> Option<usize> {
    let f16 = |a: u8, b: u8| u16::from_le_bytes([a, b]) & 0x7c00 == 0x7c00;
    match dense_type {
        DenseType::F32 => first_in_chunks::<4>(rows, |b| {
            u32::from_le_bytes(*b) & 0x7f80_0000 == 0x7f80_0000
        }),
        DenseType::F16 => first_in_chunks::<2>(rows, |b| f16(b[0], b[1])),
        DenseType::Bf16 => {
            first_in_chunks::<2>(rows, |b| u16::from_le_bytes(*b) & 0x7f80 == 0x7f80)
        }
        DenseType::Q8_0 => first_in_chunks::<34>(rows, |b| f16(b[0], b[1])),
        DenseType::Q6K => first_in_chunks::<210>(rows, |b| f16(b[208], b[209])),
        DenseType::Q4K => first_in_chunks::<144>(rows, |b| f16(b[0], b[1]) || f16(b[2], b[3])),
    }
}

/// Byte offset of the first `N`-byte element that is `bad`.
fn first_in_chunks<const N: usize>(bytes: &[u8], bad: impl Fn(&[u8; N]) -> bool) -> Option<usize> {
    const ELEMENTS: usize = 2048;
    let (elements, _) = bytes.as_chunks::<N>();
    elements
        .chunks(ELEMENTS)
        .enumerate()
        .find_map(|(i, chunk)| {
            // No early exit within a chunk, so that the loop is vectorised.
            let any = chunk.iter().fold(false, |any, e| any | bad(e));
            any.then(|| chunk.iter().position(&bad))
                .flatten()
                .map(|at| (i * ELEMENTS + at) * N)
        })
}

/// Binds a vector, such as a norm weight, of type F32 or F16. Converts it to f32 and checks that
/// every element is finite.
pub(super) fn bind_vector(info: &TensorInfo, file: &[u8]) -> Result<Vec<f32>, ModelError> {
    let bytes = &file[info.in_memory()];
    let values: Vec<f32> = match info.tensor_type {
        TensorType::F32 => {
            let (elements, _) = bytes.as_chunks::<4>();
            elements.iter().map(|&e| f32::from_le_bytes(e)).collect()
        }
        TensorType::F16 => {
            let (elements, _) = bytes.as_chunks::<2>();
            let widen = |&e| half::f16::from_le_bytes(e).to_f32();
            elements.iter().map(widen).collect()
        }
        other => {
            return Err(ModelError::Unsupported {
                what: format!("type of tensor {}", info.name),
                found: other.to_string(),
                supported: "F32, F16".into(),
            });
        }
    };
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(values),
        Some(at) => Err(GgufError::invalid(
            format!("tensor {}, element {at}", info.name),
            values[at],
            "finite values",
        )
        .into()),
    }
}
