//! Rows stored as numbers rather than ternary codes: norms, embeddings, the output matrix.
//!
//! Every conversion to f32 is exact, except Q4_K's. An f16 has 11 significant bits, so its products
//! with the small integers of Q8_0 and Q6_K fit the 24 bits of f32. Q4_K's difference rounds once.

mod elements;
mod k_quants;

use alloc::format;

pub use elements::{bf16_le, f16_le, f32_le};

use crate::error::{Error, Result};
use crate::float::is_finite;

/// Element types of norms, embeddings and the output matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// Blocks of 32 signed bytes with an f16 scale.
    Q8_0,
    /// Blocks of 256: six bits a weight, a signed scale per 16, an f16 scale.
    Q6K,
    /// Blocks of 256: four bits a weight, scale and minimum per 32, an f16 scale of each.
    Q4K,
}

impl RowType {
    /// Weights and bytes of a block.
    const fn block(self) -> (usize, usize) {
        match self {
            RowType::F32 => (1, 4),
            RowType::F16 | RowType::Bf16 => (1, 2),
            RowType::Q8_0 => (32, 34),
            RowType::Q6K => (k_quants::WEIGHTS, k_quants::Q6_K_BYTES),
            RowType::Q4K => (k_quants::WEIGHTS, k_quants::Q4_K_BYTES),
        }
    }

    /// What the number of columns must be a multiple of.
    pub fn column_multiple(self) -> usize {
        self.block().0
    }

    /// Bytes of a row of n elements, whole blocks.
    pub fn row_bytes(self, n: u64) -> u64 {
        let (weights, bytes) = self.block();
        n / weights as u64 * bytes as u64
    }

    /// Fills `out`, whole blocks, with f32 values.
    pub fn decode(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            RowType::F32 => elements(bytes, out, f32_le),
            RowType::F16 => elements(bytes, out, f16_le),
            RowType::Bf16 => elements(bytes, out, bf16_le),
            RowType::Q8_0 => blocks(bytes, out, q8_0),
            RowType::Q6K => blocks(bytes, out, k_quants::q6_k),
            RowType::Q4K => blocks(bytes, out, k_quants::q4_k),
        }
    }
}

/// Decodes rows of `n_cols` elements to `out` and refuses any that is not finite. An error names
/// the tensor and the row, counted from `first_row`.
///
/// A scale that is not finite makes every weight of its block so: infinity times 0 is NaN.
pub fn load(
    row_type: RowType,
    name: &str,
    (first_row, n_cols): (usize, usize),
    bytes: &[u8],
    out: &mut [f32],
) -> Result<()> {
    row_type.decode(bytes, out);
    match out.iter().position(|&x| !is_finite(x)) {
        None => Ok(()),
        Some(at) => Err(Error::Malformed(format!(
            "tensor `{name}`: row {}, element {} is {}; finite values are required",
            first_row + at / n_cols,
            at % n_cols,
            out[at]
        ))),
    }
}

fn elements<const N: usize>(bytes: &[u8], out: &mut [f32], value: fn([u8; N]) -> f32) {
    for (out, element) in out.iter_mut().zip(bytes.as_chunks().0) {
        *out = value(*element);
    }
}

fn blocks<const BYTES: usize, const WEIGHTS: usize>(
    bytes: &[u8],
    out: &mut [f32],
    decode: fn(&[u8; BYTES], &mut [f32; WEIGHTS]),
) {
    for (block, out) in bytes.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
        decode(block, out);
    }
}

/// f16 d, 32 signed q: `d * q`.
fn q8_0(block: &[u8; 34], out: &mut [f32; 32]) {
    let d = f16_le([block[0], block[1]]);
    for (out, &q) in out.iter_mut().zip(&block[2..]) {
        *out = d * f32::from(q.cast_signed());
    }
}
