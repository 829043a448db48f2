//! I2_S: 2-bit codes of a whole tensor, then one f32 scale.

use super::source::{BLOCK_BYTES, BLOCK_LEN, PackedAndScale, Source, has_code_3, pack_block};
use crate::gguf::{GgufError, TensorType};

/// The codes, without the trailer.
pub fn codes<'a>(source: &Source<'a>) -> &'a [u8] {
    &source.bytes[..source.bytes.len() - TensorType::I2S_TRAILER_BYTES]
}

/// Checks every code and the scale; returns the scale.
pub fn check(source: &Source) -> Result<f32, GgufError> {
    let (codes, trailer) = source
        .bytes
        .split_at(source.bytes.len() - TensorType::I2S_TRAILER_BYTES);
    let scale = f32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
    if !(scale.is_finite() && scale > 0.0) {
        return Err(source.invalid("scale", scale, "a finite number above 0"));
    }
    match first_invalid_code(codes) {
        None => Ok(scale),
        Some(at) => Err(source.invalid_code(at)),
    }
}

/// Index of the first byte with a 2-bit field equal to 3.
fn first_invalid_code(codes: &[u8]) -> Option<usize> {
    const CHUNK: usize = 4096;
    codes.chunks(CHUNK).enumerate().find_map(|(i, chunk)| {
        // No early exit within a chunk, so that the loop is vectorised.
        let any = chunk.iter().fold(false, |any, &b| any | has_code_3(b));
        any.then(|| chunk.iter().position(|&b| has_code_3(b)))
            .flatten()
            .map(|at| i * CHUNK + at)
    })
}

/// Packs blocks of 64 weights in 16 bytes, two of which make a packed block.
pub fn pack_block64(source: &Source) -> Result<PackedAndScale, GgufError> {
    let scale = check(source)?;
    let mut packed = vec![0; codes(source).len()];
    let (blocks, _) = codes(source).as_chunks::<BLOCK_BYTES>();
    for (block, out) in blocks.iter().zip(packed.as_chunks_mut().0) {
        let mut unpacked = [0; BLOCK_LEN];
        for (half, unpacked) in block
            .as_chunks::<16>()
            .0
            .iter()
            .zip(unpacked.as_chunks_mut::<64>().0)
        {
            for (k, byte) in half.iter().enumerate() {
                for field in 0..4 {
                    unpacked[k + 16 * field] = byte >> (6 - 2 * field) & 3;
                }
            }
        }
        pack_block(&unpacked, out);
    }
    Ok((packed, scale))
}

/// Packs rows of which four share each byte, the first in the highest bits.
pub fn pack_row4(source: &Source) -> Result<PackedAndScale, GgufError> {
    if !source.n_rows.is_multiple_of(4) {
        return Err(source.invalid("rows", source.n_rows, "a multiple of 4 in layout row4"));
    }
    let scale = check(source)?;
    let mut packed = Vec::with_capacity(codes(source).len());
    for group in codes(source).chunks_exact(source.n_cols) {
        for shift in [6, 4, 2, 0] {
            for columns in group.as_chunks::<BLOCK_LEN>().0 {
                let mut out = [0; BLOCK_BYTES];
                pack_block(&columns.map(|byte| byte >> shift & 3), &mut out);
                packed.extend_from_slice(&out);
            }
        }
    }
    Ok((packed, scale))
}
