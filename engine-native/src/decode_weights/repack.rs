//! Repacks rows from [`RowLayout::Rows`] into the other layouts. The loops over bytes are written
//! for auto-vectorisation: a user waits while two billion weights are repacked.

use crate::{model::BLOCK_LEN, operands::RowLayout};

/// Bytes of a packed block of 128 weights.
const BLOCK: usize = 32;
/// Four codes of weight 0.
const ZEROS: u8 = 0b01_01_01_01;

/// Repacks one group of up to four `rows`, of `row_bytes` each, into `out`, which is zeroed.
/// Missing rows and the padding of blocks become zero weights.
pub(super) fn group(layout: RowLayout, rows: &[u8], row_bytes: usize, out: &mut [u8]) {
    let (n_rows, block_bytes) = (layout.group_rows(), layout.block_bytes());
    let steps = out.chunks_exact_mut(n_rows * block_bytes);
    for (i, step) in steps.enumerate() {
        for r in 0..n_rows {
            let row = rows.get(r * row_bytes..(r + 1) * row_bytes);
            let row = row.unwrap_or_default().as_chunks::<BLOCK>().0;
            let block = &mut step[r * block_bytes..][..block_bytes];
            match layout {
                RowLayout::Rows | RowLayout::Groups128 => {
                    block.copy_from_slice(row.get(i).unwrap_or(&[ZEROS; BLOCK]));
                }
                RowLayout::Groups256 => pack_256(row, i, block),
                RowLayout::Triples384 => pack_triples(row, i, r, step),
            }
        }
    }
}

/// Packs two blocks of 128 weights: byte k gets the weights k, k + 64, k + 128 and k + 192.
fn pack_256(row: &[[u8; BLOCK]], i: usize, out: &mut [u8]) {
    let first = row.get(2 * i).unwrap_or(&[ZEROS; BLOCK]);
    let second = row.get(2 * i + 1).unwrap_or(&[ZEROS; BLOCK]);
    let (low, high) = out.split_at_mut(BLOCK);
    for k in 0..BLOCK {
        let (a, b) = (first[k], second[k]);
        low[k] = a & 0xc0 | (a & 0x0c) << 2 | (b & 0xc0) >> 4 | (b & 0x0c) >> 2;
        high[k] = (a & 0x30) << 2 | (a & 0x03) << 4 | (b & 0x30) >> 2 | b & 0x03;
    }
}

/// Packs 384 weights of row `r`: three blocks.
fn pack_triples(row: &[[u8; BLOCK]], i: usize, r: usize, lines: &mut [u8]) {
    // A half is 64 weights of a block of 128; three halves make 64 fields.
    let half = |n: usize| {
        let block = row.get(n / 2).unwrap_or(&[ZEROS; BLOCK]);
        let shift = 4 * (1 - n % 2);
        let mut codes = [0; BLOCK_LEN / 2];
        for k in 0..BLOCK {
            codes[k] = block[k] >> (shift + 2) & 3;
            codes[k + BLOCK] = block[k] >> shift & 3;
        }
        codes
    };
    let (highest, others) = lines.split_at_mut(64);
    let others = &mut others[64 * r..][..64];
    for v in 0..2 {
        let n = 6 * i + 3 * v;
        let [a, b, c] = [half(n), half(n + 1), half(n + 2)];
        for k in 0..64 {
            let field = 9 * a[k] + 3 * b[k] + c[k];
            highest[k] |= (field >> 4) << (2 * r + v);
            others[k] |= (field & 15) << (4 * v);
        }
    }
}
