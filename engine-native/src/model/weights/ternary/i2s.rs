//! I2_S: 2-bit codes of a whole tensor, then one f32 scale.

use super::source::{
    BLOCK_BYTES, BLOCK_LEN, PackedAndScale, Source, ZERO_CODE, has_code_3, pack_block,
    packed_row_bytes,
};
use crate::{
    gguf::{GgufError, TensorType},
    model::I2sLayout,
};

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

/// Checks that rows are whole blocks of the layout.
pub fn check_row_len(source: &Source, layout: I2sLayout) -> Result<(), GgufError> {
    let (multiple, others) = match layout {
        I2sLayout::Block128 => (128, "row4 or block64"),
        I2sLayout::Block64 => (64, "row4"),
        I2sLayout::Row4 => return Ok(()),
    };
    if source.n_cols.is_multiple_of(multiple) {
        return Ok(());
    }
    Err(source.invalid(
        "row length",
        source.n_cols,
        format_args!(
            "a multiple of {multiple} in layout {}; a file with such rows was packed in another layout \
             (--i2s-layout {others})",
            layout.as_str()
        ),
    ))
}

/// Packs blocks of 64 weights in 16 bytes. Two of them make a packed block; a row may end with one.
pub fn pack_block64(source: &Source) -> Result<PackedAndScale, GgufError> {
    let scale = check(source)?;
    let mut packed = Vec::with_capacity(source.n_rows * packed_row_bytes(source.n_cols));
    for row in codes(source).chunks_exact(source.n_cols / 4) {
        for halves in row.chunks(BLOCK_BYTES) {
            let mut unpacked = [ZERO_CODE; BLOCK_LEN];
            let (halves, _) = halves.as_chunks::<16>();
            for (half, unpacked) in halves.iter().zip(unpacked.as_chunks_mut::<64>().0) {
                for (k, byte) in half.iter().enumerate() {
                    for field in 0..4 {
                        unpacked[k + 16 * field] = byte >> (6 - 2 * field) & 3;
                    }
                }
            }
            let mut out = [0; BLOCK_BYTES];
            pack_block(&unpacked, &mut out);
            packed.extend_from_slice(&out);
        }
    }
    Ok((packed, scale))
}

/// Packs rows of which four share each byte, the first in the highest bits.
pub fn pack_row4(source: &Source) -> Result<PackedAndScale, GgufError> {
    if !source.n_rows.is_multiple_of(4) {
        return Err(source.invalid("rows", source.n_rows, "a multiple of 4 in layout row4"));
    }
    let scale = check(source)?;
    let mut packed = Vec::with_capacity(source.n_rows * packed_row_bytes(source.n_cols));
    for group in codes(source).chunks_exact(source.n_cols) {
        for shift in [6, 4, 2, 0] {
            for columns in group.chunks(BLOCK_LEN) {
                let mut unpacked = [ZERO_CODE; BLOCK_LEN];
                for (code, byte) in unpacked.iter_mut().zip(columns) {
                    *code = byte >> shift & 3;
                }
                let mut out = [0; BLOCK_BYTES];
                pack_block(&unpacked, &mut out);
                packed.extend_from_slice(&out);
            }
        }
    }
    Ok((packed, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::ternary::elements::pack_f32;

    const N_ROWS: usize = 8;

    /// A weight of row r and column c.
    fn weight(r: usize, c: usize) -> i8 {
        ((r * 7 + c * c + c / 5) % 3) as i8 - 1
    }

    fn source(n_cols: usize, bytes: &[u8]) -> Source<'_> {
        Source {
            name: "t",
            n_rows: N_ROWS,
            n_cols,
            bytes,
        }
    }

    fn with_scale(mut codes: Vec<u8>) -> Vec<u8> {
        codes.extend(0.5f32.to_le_bytes());
        codes.resize(codes.len() + 28, 0);
        codes
    }

    fn code(r: usize, c: usize) -> u8 {
        (weight(r, c) + 1) as u8
    }

    /// What the same weights become when they are stored as floats.
    fn packed(n_cols: usize) -> PackedAndScale {
        let weights = (0..N_ROWS).flat_map(|r| (0..n_cols).map(move |c| weight(r, c)));
        let floats: Vec<u8> = weights
            .flat_map(|w| (f32::from(w) * 0.5).to_le_bytes())
            .collect();
        pack_f32(&source(n_cols, &floats)).unwrap()
    }

    #[test]
    fn block64_packs_rows_that_end_with_half_a_block() {
        for n_cols in [64, 128, 320] {
            let block = |r, b: usize| {
                let field = move |k, n: usize| code(r, 64 * b + k + 16 * n) << (6 - 2 * n);
                (0..16).map(move |k| (0..4).fold(0, |byte, n| byte | field(k, n)))
            };
            let rows = (0..N_ROWS).flat_map(|r| (0..n_cols / 64).flat_map(move |b| block(r, b)));
            let bytes = with_scale(rows.collect());
            let source = source(n_cols, &bytes);
            check_row_len(&source, I2sLayout::Block64).unwrap();
            assert_eq!(pack_block64(&source).unwrap(), packed(n_cols), "{n_cols}");
        }
    }

    #[test]
    fn row4_packs_rows_of_any_length() {
        for n_cols in [4, 36, 128, 320] {
            let byte = |g, c| (0..4).fold(0, |byte, r| byte << 2 | code(4 * g + r, c));
            let groups = (0..N_ROWS / 4).flat_map(|g| (0..n_cols).map(move |c| byte(g, c)));
            let bytes = with_scale(groups.collect());
            let source = source(n_cols, &bytes);
            check_row_len(&source, I2sLayout::Row4).unwrap();
            assert_eq!(pack_row4(&source).unwrap(), packed(n_cols), "{n_cols}");
        }
    }

    #[test]
    fn rows_are_whole_blocks_of_their_layout() {
        for (layout, n_cols, other) in [
            (I2sLayout::Block128, 320, "block64"),
            (I2sLayout::Block64, 36, "row4"),
        ] {
            let error = check_row_len(&source(n_cols, &[]), layout).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(&n_cols.to_string()) && error.contains(other));
        }
    }
}
