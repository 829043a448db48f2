//! Rows stored as numbers rather than ternary codes: norms, embeddings, the output matrix.
//!
//! Every conversion to f32 is exact: f16 widens exactly, and a Q8_0 weight is an 11-bit times an
//! 8-bit significand.

use alloc::format;

use crate::error::{Error, Result};
use crate::float::is_finite;
use crate::half;

/// Weights per Q8_0 block.
pub const Q8_0_WEIGHTS: usize = 32;

/// Bytes per Q8_0 block: an f16 scale, then 32 signed bytes.
pub const Q8_0_BYTES: usize = 34;

/// Element types of norms, embeddings and the output matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// Blocks of 32 signed bytes with an f16 scale.
    Q8_0,
}

impl RowType {
    /// Bytes of a row of n elements (n a multiple of 32 for Q8_0).
    pub fn row_bytes(self, n: u64) -> u64 {
        match self {
            RowType::F32 => n * 4,
            RowType::F16 => n * 2,
            RowType::Q8_0 => n / Q8_0_WEIGHTS as u64 * Q8_0_BYTES as u64,
        }
    }

    /// Writes the row's f32 values to `out`, which determines how many there are.
    pub fn decode(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            RowType::F32 => {
                for (out, word) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *out = f32::from_le_bytes(*word);
                }
            }
            RowType::F16 => {
                for (out, word) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *out = half::widen(u16::from_le_bytes(*word));
                }
            }
            RowType::Q8_0 => decode_q8_0(bytes, out),
        }
    }

    /// Refuses bytes that hold a non-finite number; `name` is the tensor's.
    pub fn check_finite(self, name: &str, bytes: &[u8]) -> Result<()> {
        let bad = match self {
            RowType::F32 => first(bytes, |word| !is_finite(f32::from_le_bytes(word))),
            RowType::F16 => first(bytes, |word| !half::is_finite(u16::from_le_bytes(word))),
            RowType::Q8_0 => first(bytes, |block: [u8; Q8_0_BYTES]| {
                !half::is_finite(u16::from_le_bytes([block[0], block[1]]))
            }),
        };
        let Some(at) = bad else { return Ok(()) };
        let unit = match self {
            RowType::F32 | RowType::F16 => "element",
            RowType::Q8_0 => "scale of block",
        };
        Err(Error::Malformed(format!(
            "tensor `{name}`: {unit} {at} of the bytes loaded is not finite; finite values are \
             required"
        )))
    }
}

/// Index of the first N-byte item that is `bad`.
fn first<const N: usize>(bytes: &[u8], bad: impl Fn([u8; N]) -> bool) -> Option<usize> {
    bytes.as_chunks().0.iter().position(|item| bad(*item))
}

/// `out[i] = d * q[i]` per block, exact.
fn decode_q8_0(bytes: &[u8], out: &mut [f32]) {
    let blocks = bytes.as_chunks::<Q8_0_BYTES>().0;
    for (block, out) in blocks.iter().zip(out.chunks_exact_mut(Q8_0_WEIGHTS)) {
        let scale = half::widen(u16::from_le_bytes([block[0], block[1]]));
        for (out, &q) in out.iter_mut().zip(&block[2..]) {
            *out = scale * f32::from(q as i8);
        }
    }
}
