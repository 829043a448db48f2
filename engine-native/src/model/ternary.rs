//! Projections: whatever type a file holds them in, the kernels see one packed form.
//!
//! Types and rules: `guest-reference/NUMERICS.md`, section 4. The packed form is I2_S `block128`:
//! blocks of 128 weights in 32 bytes, rows padded with zero weights to whole blocks. A file that
//! has it is used where it is mapped; every other type is packed once, when it is loaded.

mod blocks;
mod elements;
mod i2s;

use std::ops::Range;

use super::ModelError;
use crate::{
    gguf::{GgufError, TensorInfo, TensorType},
    kernels::{RowLayout, TernaryRows},
};

/// How the codes of I2_S tensors are arranged. Nothing in a file says which: it depends on how the
/// program that packed it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum I2sLayout {
    /// Blocks of 128 weights in 32 bytes: what published files have.
    #[default]
    Block128,
    /// Four rows share each byte.
    Row4,
    /// Blocks of 64 weights in 16 bytes.
    Block64,
}

impl I2sLayout {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Block128, Self::Row4, Self::Block64];

    /// Its name in flags and receipts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block128 => "block128",
            Self::Row4 => "row4",
            Self::Block64 => "block64",
        }
    }

    /// The layout called `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.as_str() == name)
    }
}

/// Ternary weights, `[n_rows, n_cols]` row-major, one scale.
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

/// Bytes of a packed row of `n_cols` weights.
pub(crate) const fn packed_row_bytes(n_cols: usize) -> usize {
    n_cols.div_ceil(BLOCK_LEN) * BLOCK_BYTES
}

/// Weights of a packed block.
pub(crate) const BLOCK_LEN: usize = 128;
/// Bytes of a packed block.
const BLOCK_BYTES: usize = 32;

impl TernaryMatrix {
    /// Packed rows, one after the other; `file` is the file it was bound from.
    pub fn packed<'a>(&'a self, file: &'a [u8]) -> &'a [u8] {
        match &self.packed {
            Packed::InFile(range) => &file[range.clone()],
            Packed::Owned(bytes) => bytes,
        }
    }

    /// The packed rows, for a kernel.
    pub fn rows<'a>(&'a self, file: &'a [u8]) -> TernaryRows<'a> {
        TernaryRows {
            layout: RowLayout::Rows,
            packed: self.packed(file),
            n_rows: self.n_rows,
            n_cols: self.n_cols,
            scale: self.scale,
        }
    }

    /// Bytes that were allocated for the packed form; 0 when the file's own bytes are used.
    pub fn packed_at_load(&self) -> usize {
        match &self.packed {
            Packed::InFile(_) => 0,
            Packed::Owned(bytes) => bytes.len(),
        }
    }

    /// Binds `info`; checks its scale and every weight.
    pub(super) fn bind(
        info: &TensorInfo,
        file: &[u8],
        layout: I2sLayout,
    ) -> Result<Self, ModelError> {
        let source = Source {
            name: &info.name,
            n_rows: info.n_rows() as usize,
            n_cols: info.n_cols() as usize,
            bytes: &file[info.bytes.clone()],
        };
        let matrix = |(packed, scale)| Self {
            n_rows: source.n_rows,
            n_cols: source.n_cols,
            scale,
            packed: Packed::Owned(packed),
        };
        Ok(match (info.tensor_type, layout) {
            (TensorType::I2S, I2sLayout::Block128) => {
                let scale = i2s::check(&source)?;
                let start = info.bytes.start;
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
                    supported: "I2_S, TQ1_0, TQ2_0, or F32, F16, BF16 with ternary values".into(),
                });
            }
        })
    }
}

/// A tensor in the file, on its way to the packed form.
struct Source<'a> {
    name: &'a str,
    n_rows: usize,
    n_cols: usize,
    bytes: &'a [u8],
}

/// Packed rows and the scale.
type PackedAndScale = (Vec<u8>, f32);

impl Source<'_> {
    fn invalid(
        &self,
        part: impl std::fmt::Display,
        found: impl ToString,
        allowed: impl ToString,
    ) -> GgufError {
        GgufError::invalid(format!("{part} of tensor {}", self.name), found, allowed)
    }

    /// What is said about a byte of 2-bit codes with an invalid one.
    fn invalid_code(&self, at: usize) -> GgufError {
        self.invalid(
            format_args!("byte {at}"),
            format_args!("{:#04x}, which holds code 3", self.bytes[at]),
            "codes 0, 1 and 2",
        )
    }
}

/// Whether a byte of four 2-bit codes has one that is 3.
#[inline]
fn has_code_3(byte: u8) -> bool {
    byte & (byte >> 1) & 0x55 != 0
}

/// Packs 128 codes, each a weight plus one.
#[inline]
fn pack_block(codes: &[u8; BLOCK_LEN], out: &mut [u8; BLOCK_BYTES]) {
    for (k, out) in out.iter_mut().enumerate() {
        *out = codes[k] << 6 | codes[k + 32] << 4 | codes[k + 64] << 2 | codes[k + 96];
    }
}

/// The code of weight 0.
const ZERO_CODE: u8 = 1;
