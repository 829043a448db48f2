//! Weight matrices as byte ranges of the file, validated once.

use std::ops::Range;

use crate::gguf::{GgufError, TensorInfo, TensorType};

/// Ternary weights in I2_S layout, row-major: `[n_rows, n_cols]`, n_cols a multiple of 128.
#[derive(Debug, Clone)]
pub struct TernaryMatrix {
    /// Rows, the outputs of the projection.
    pub n_rows: usize,
    /// Columns, its inputs.
    pub n_cols: usize,
    /// The tensor's scale, finite and above 0.
    pub scale: f32,
    bytes: Range<usize>,
}

impl TernaryMatrix {
    /// Packed rows, `n_rows * n_cols / 4` bytes; `file` is the file it was bound from.
    pub fn packed<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.bytes.clone()]
    }

    /// Binds `info`, an I2_S tensor, and checks its scale and every code.
    pub(super) fn bind(info: &TensorInfo, file: &[u8]) -> Result<Self, GgufError> {
        let all = &file[info.bytes.clone()];
        let (packed, tail) = all.split_at(all.len() - 32);
        let scale = f32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
        if !(scale.is_finite() && scale > 0.0) {
            return Err(GgufError::invalid(
                format!("scale of tensor {}", info.name),
                scale,
                "a finite number above 0",
            ));
        }
        if let Some(byte) = first_invalid_code(packed) {
            return Err(GgufError::invalid(
                format!("weights of tensor {}, byte {byte}", info.name),
                format_args!("{:#04x}, which holds code 3", packed[byte]),
                "codes 0, 1 and 2",
            ));
        }
        Ok(Self {
            n_rows: info.n_rows() as usize,
            n_cols: info.n_cols() as usize,
            scale,
            bytes: info.bytes.start..info.bytes.end - 32,
        })
    }
}

/// Index of the first byte with a 2-bit field equal to 3.
fn first_invalid_code(packed: &[u8]) -> Option<usize> {
    const CHUNK: usize = 4096;
    let bad = |b: u8| b & (b >> 1) & 0x55;
    packed.chunks(CHUNK).enumerate().find_map(|(i, chunk)| {
        // A whole chunk without early exit: the loop is vectorised.
        let any = chunk.iter().fold(0, |any, &b| any | bad(b));
        (any != 0)
            .then(|| chunk.iter().position(|&b| bad(b) != 0))
            .flatten()
            .map(|at| i * CHUNK + at)
    })
}

/// Element type of a dense matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DenseType {
    F32,
    F16,
    Q8_0,
}

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
    /// All rows, [`DenseMatrix::row_bytes`] each; `file` is the file it was bound from.
    pub fn rows<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.bytes.clone()]
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.dense_type.row_bytes(self.n_cols)
    }

    /// Binds `info` and checks that every element is finite.
    pub(super) fn bind(info: &TensorInfo, file: &[u8]) -> Result<Self, GgufError> {
        let dense_type = match info.tensor_type {
            TensorType::F32 => DenseType::F32,
            TensorType::F16 => DenseType::F16,
            TensorType::Q8_0 => DenseType::Q8_0,
            other => {
                return Err(GgufError::invalid(
                    format!("type of tensor {}", info.name),
                    other,
                    "F32, F16 or Q8_0",
                ));
            }
        };
        let rows = &file[info.bytes.clone()];
        if let Some(byte) = dense_type.first_non_finite(rows) {
            return Err(GgufError::invalid(
                format!("tensor {}, byte {byte}", info.name),
                "a value that is not finite",
                "finite values",
            ));
        }
        Ok(Self {
            n_rows: info.n_rows() as usize,
            n_cols: info.n_cols() as usize,
            dense_type,
            bytes: info.bytes.clone(),
        })
    }
}

impl DenseType {
    /// Bytes of a row of `n_cols` elements.
    pub fn row_bytes(self, n_cols: usize) -> usize {
        match self {
            Self::F32 => n_cols * 4,
            Self::F16 => n_cols * 2,
            Self::Q8_0 => n_cols / 32 * 34,
        }
    }

    fn first_non_finite(self, rows: &[u8]) -> Option<usize> {
        match self {
            Self::F32 => {
                first_in_chunks::<4>(rows, |b| u32::from_le_bytes(b) & 0x7f80_0000 == 0x7f80_0000)
            }
            Self::F16 => first_in_chunks::<2>(rows, |b| u16::from_le_bytes(b) & 0x7c00 == 0x7c00),
            Self::Q8_0 => first_in_chunks::<34>(rows, |b| {
                u16::from_le_bytes([b[0], b[1]]) & 0x7c00 == 0x7c00
            }),
        }
    }
}

/// Byte offset of the first `N`-byte element that is `bad`.
fn first_in_chunks<const N: usize>(bytes: &[u8], bad: impl Fn([u8; N]) -> bool) -> Option<usize> {
    const ELEMENTS: usize = 2048;
    let (elements, _) = bytes.as_chunks::<N>();
    elements
        .chunks(ELEMENTS)
        .enumerate()
        .find_map(|(i, chunk)| {
            // A whole chunk without early exit: the loop is vectorised.
            let any = chunk.iter().fold(false, |any, &e| any | bad(e));
            any.then(|| chunk.iter().position(|&e| bad(e)))
                .flatten()
                .map(|at| (i * ELEMENTS + at) * N)
        })
}

/// A norm weight, converted to f32: F32 or F16, all finite.
pub(super) fn bind_norm(info: &TensorInfo, file: &[u8]) -> Result<Vec<f32>, GgufError> {
    let bytes = &file[info.bytes.clone()];
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
            return Err(GgufError::invalid(
                format!("type of tensor {}", info.name),
                other,
                "F32 or F16",
            ));
        }
    };
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(values),
        Some(at) => Err(GgufError::invalid(
            format!("tensor {}, element {at}", info.name),
            values[at],
            "finite values",
        )),
    }
}
