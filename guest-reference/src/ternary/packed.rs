//! The packed form of a row: blocks of 128 weights in 32 bytes.
//!
//! Byte k of a block holds weight k in bits 7:6, k + 32 in 5:4, k + 64 in 3:2 and k + 96 in 1:0. A
//! code is weight + 1. A row whose width is not a multiple of 128 is padded with
//! weight 0.

/// Weights per packed block.
pub const BLOCK_WEIGHTS: usize = 128;

/// Bytes per packed block.
pub const BLOCK_BYTES: usize = 32;

/// Bytes of a packed row of `n_cols` weights.
pub fn packed_row_bytes(n_cols: usize) -> usize {
    n_cols.div_ceil(BLOCK_WEIGHTS) * BLOCK_BYTES
}

/// The weight at `column` of a packed row: -1, 0 or +1.
pub fn weight(row: &[u8], column: usize) -> i32 {
    let byte = row[column / BLOCK_WEIGHTS * BLOCK_BYTES + column % BLOCK_BYTES];
    let field = column % BLOCK_WEIGHTS / BLOCK_BYTES;
    i32::from(byte >> (6 - 2 * field) & 3) - 1
}

/// Packs whole blocks of weights -1, 0 and +1.
pub fn pack_row(weights: &[i8], row: &mut [u8]) {
    let blocks = weights.as_chunks::<BLOCK_WEIGHTS>().0;
    for (weights, block) in blocks.iter().zip(row.as_chunks_mut::<BLOCK_BYTES>().0) {
        for (k, byte) in block.iter_mut().enumerate() {
            let code = |field: usize| (weights[k + BLOCK_BYTES * field] + 1) as u8;
            *byte = code(0) << 6 | code(1) << 4 | code(2) << 2 | code(3);
        }
    }
}
