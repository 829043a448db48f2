//! Weights that make integer sums of a run larger than int16 can hold.
//!
//! Every embedding has one magnitude, and most of its signs are those of one of 64 patterns. Rows of `attn_q` and
//! `attn_v` have the signs of a pattern, too: where a token meets its own pattern, all products have one sign, and
//! their sum grows with their number. With random weights it grows with the square root.

use half::f16;

use super::chosen::{flatten_first_norm, tensor};
use crate::make_model::{Recipe, WeightType, gguf_writer::GgufHeader};

/// Patterns of signs: token t and row t of a projection have pattern t mod 64.
const N_PATTERNS: usize = 64;

/// Columns that have the signs of a pattern, of 512. In the others, each token has signs of its own.
const N_PATTERN_COLS: usize = 448;

/// Each further row of a pattern has its signs in so many columns fewer. So large sums differ, and where they
/// saturate, their ratios are lost.
const STEP: usize = 64;

/// Weights and bytes of a Q8_0 block.
const Q8_0_BLOCK: (usize, usize) = (32, 34);

/// Q8_0 integers of the embedding, which are ±64, times 2⁻¹²: the magnitude of random embeddings.
const MAGNITUDE: u8 = 64;

/// Changes the embedding, which is Q8_0, and in the first layer the norm and the projections of attention.
pub(super) fn choose(recipe: &Recipe, header: &GgufHeader, data: &mut [u8]) {
    let shape = &recipe.shape;
    let (n_cols, n_vocab) = (shape.n_embd as usize, shape.n_vocab as usize);
    let row_bytes = n_cols / Q8_0_BLOCK.0 * Q8_0_BLOCK.1;
    let embedding = &mut tensor(header, data, "token_embd.weight")[..n_vocab * row_bytes];
    share_patterns(embedding, row_bytes);
    let rows = embedding.chunks_exact(row_bytes).take(N_PATTERNS);
    let patterns: Vec<Vec<bool>> = rows.map(signs).collect();
    flatten_first_norm(header, data, n_cols);
    for (name, n_rows) in [("attn_q", shape.n_query()), ("attn_v", shape.n_kv())] {
        let layout = recipe.weights.layout();
        let row_bytes = n_cols / layout.block_len as usize * layout.block_bytes as usize;
        let bytes = tensor(header, data, &format!("blk.0.{name}.weight"));
        let rows = bytes.chunks_exact_mut(row_bytes).take(n_rows as usize);
        for (r, row) in rows.enumerate() {
            let n_follow = N_PATTERN_COLS - r / N_PATTERNS * STEP;
            follow(recipe.weights, row, &patterns[r % N_PATTERNS][..n_follow]);
        }
    }
}

/// Leaves the random signs of Q8_0 rows, makes all magnitudes equal, and repeats the first rows' patterns.
fn share_patterns(rows: &mut [u8], row_bytes: usize) {
    for block in rows.chunks_exact_mut(Q8_0_BLOCK.1) {
        let (d, integers) = block.split_at_mut(2);
        d.copy_from_slice(&f16::from_f32(1.0 / 4096.0).to_le_bytes());
        for q in integers {
            *q = if *q < 128 {
                MAGNITUDE
            } else {
                MAGNITUDE.wrapping_neg()
            };
        }
    }
    let n_bytes = N_PATTERN_COLS / Q8_0_BLOCK.0 * Q8_0_BLOCK.1;
    let (first, others) = rows.split_at_mut(N_PATTERNS * row_bytes);
    let patterns = first.chunks_exact(row_bytes).cycle();
    for (row, pattern) in others.chunks_exact_mut(row_bytes).zip(patterns) {
        row[..n_bytes].copy_from_slice(&pattern[..n_bytes]);
    }
}

/// Which elements of a Q8_0 row are positive.
fn signs(row: &[u8]) -> Vec<bool> {
    let blocks = row.chunks_exact(Q8_0_BLOCK.1);
    blocks
        .flat_map(|block| block[2..].iter().map(|q| *q < 128))
        .collect()
}

/// Gives the first weights of a row these signs, and no zeros.
fn follow(weights: WeightType, row: &mut [u8], positive: &[bool]) {
    for (column, &positive) in positive.iter().enumerate() {
        let (byte, shift) = place(weights, column);
        let code = if positive { 2 } else { 0 };
        row[byte] = row[byte] & !(3 << shift) | code << shift;
    }
}

/// Byte and lowest bit of a weight's code in its row.
///
/// # Panics
/// No model with large sums has this type.
fn place(weights: WeightType, column: usize) -> (usize, usize) {
    let (half, lane, k) = (column / 128, column / 32 % 4, column % 32);
    match weights {
        WeightType::I2S => (32 * half + k, 6 - 2 * lane),
        // Behind every 64 bytes of codes are two of d.
        WeightType::Tq2_0 => (32 * half + k + column / 256 * 2, 2 * lane),
        _ => unreachable!("{weights:?} has no large sums"),
    }
}
