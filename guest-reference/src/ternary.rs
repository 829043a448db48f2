//! I2_S: ternary weights, two bits each, and one f32 scale for the whole tensor.
//!
//! Row-major blocks of 128 weights in 32 bytes. Byte k of a block holds weight k in bits 7:6,
//! k + 32 in 5:4, k + 64 in 3:2 and k + 96 in 1:0. A code is weight + 1; code 3 does not exist.

use alloc::format;

use crate::error::{Error, Result};
use crate::float::is_finite;

/// Weights per block.
pub const BLOCK_WEIGHTS: usize = 128;

/// Bytes per block.
pub const BLOCK_BYTES: usize = 32;

/// Bytes after the codes: the scale, then 28 bytes of padding that carry no meaning.
pub const TRAILER_BYTES: usize = 32;

/// A validated I2_S tensor in the file's own packing.
#[derive(Clone, Copy)]
pub struct TernaryMatrix<'a> {
    /// `[n_rows, n_cols / 4]` bytes.
    pub codes: &'a [u8],
    /// Scale of the whole tensor, finite and > 0.
    pub scale: f32,
}

/// The weight at `column` of a packed row: -1, 0 or +1.
pub fn weight(row: &[u8], column: usize) -> i32 {
    let byte = row[column / BLOCK_WEIGHTS * BLOCK_BYTES + column % BLOCK_BYTES];
    let field = column % BLOCK_WEIGHTS / BLOCK_BYTES;
    i32::from(byte >> (6 - 2 * field) & 3) - 1
}

/// Splits a tensor's bytes into codes and scale after checking both.
pub fn validate<'a>(name: &str, bytes: &'a [u8]) -> Result<TernaryMatrix<'a>> {
    let (codes, trailer) = bytes.split_at(bytes.len() - TRAILER_BYTES);
    let scale = f32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
    if !is_finite(scale) || scale <= 0.0 {
        return Err(Error::Malformed(format!(
            "tensor `{name}`: scale is {scale}; a finite scale > 0 is required"
        )));
    }
    match first_invalid_byte(codes) {
        None => Ok(TernaryMatrix { codes, scale }),
        Some(at) => Err(Error::Malformed(format!(
            "tensor `{name}`: byte {at} (0x{:02x}) holds the 2-bit code 3; codes 0, 1 and 2 are \
             allowed",
            codes[at]
        ))),
    }
}

/// Index of the first byte with a code whose two bits are both set.
fn first_invalid_byte(codes: &[u8]) -> Option<usize> {
    let clean = codes.iter().fold(0u8, |seen, &b| seen | (b & (b >> 1))) & 0x55 == 0;
    if clean {
        return None;
    }
    codes.iter().position(|&b| b & (b >> 1) & 0x55 != 0)
}
