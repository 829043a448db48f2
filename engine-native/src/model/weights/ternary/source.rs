//! A ternary tensor on its way to the packed form.

use crate::gguf::GgufError;

/// Bytes of a packed row of `n_cols` weights.
pub const fn packed_row_bytes(n_cols: usize) -> usize {
    n_cols.div_ceil(BLOCK_LEN) * BLOCK_BYTES
}

/// Weights of a packed block.
pub const BLOCK_LEN: usize = 128;
/// Bytes of a packed block.
pub const BLOCK_BYTES: usize = 32;

/// A tensor in the file, on its way to the packed form.
pub struct Source<'a> {
    pub name: &'a str,
    pub n_rows: usize,
    pub n_cols: usize,
    pub bytes: &'a [u8],
}

/// Packed rows and the scale.
pub type PackedAndScale = (Vec<u8>, f32);

impl Source<'_> {
    pub fn invalid(
        &self,
        part: impl std::fmt::Display,
        found: impl ToString,
        allowed: impl ToString,
    ) -> GgufError {
        GgufError::invalid(format!("{part} of tensor {}", self.name), found, allowed)
    }

    /// The error for a byte of 2-bit codes of which one is invalid.
    pub fn invalid_code(&self, at: usize) -> GgufError {
        self.invalid(
            format_args!("byte {at}"),
            format_args!("{:#04x}, which holds code 3", self.bytes[at]),
            "codes 0, 1 and 2",
        )
    }
}

/// Whether one of the four 2-bit codes in a byte is 3.
#[inline]
pub fn has_code_3(byte: u8) -> bool {
    byte & (byte >> 1) & 0x55 != 0
}

/// Packs 128 codes, each a weight plus one.
#[inline]
pub fn pack_block(codes: &[u8; BLOCK_LEN], out: &mut [u8; BLOCK_BYTES]) {
    for (k, out) in out.iter_mut().enumerate() {
        *out = codes[k] << 6 | codes[k + 32] << 4 | codes[k + 64] << 2 | codes[k + 96];
    }
}

/// The code of weight 0.
pub const ZERO_CODE: u8 = 1;
