//! The file's types of ternary tensors with one scale: for each, one function that turns bytes into
//! weights.
//!
//! It reads one row (or four, where four share their bytes), writes the weights -1, 0 and +1, and
//! checks every code and scale on the way.

use alloc::format;
use alloc::string::String;

use super::codes::{self, check_codes, two_bits};
use super::scale::{OneScale, block_scale};
use crate::float::is_finite;
use crate::rows::{bf16_le, f16_le, f32_le};

/// How I2_S codes are arranged. Files do not say; it depends on the program that packed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum I2sLayout {
    /// Blocks of 128 weights in 32 bytes, as in published files.
    Block128,
    /// Four rows side by side in every byte.
    Row4,
    /// Blocks of 64 weights in 16 bytes.
    Block64,
}

/// Storage of a ternary tensor with one scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TernaryType {
    /// Two bits a weight, one f32 scale after the last row.
    I2s,
    /// Five weights a byte, an f16 scale per 256.
    Tq1_0,
    /// Two bits a weight, an f16 scale per 256.
    Tq2_0,
    /// Single precision, every element +-0 or +-s.
    F32,
    /// The same in half precision.
    F16,
    /// The same in bfloat16.
    Bf16,
}

/// Weights per TQ1_0 and TQ2_0 block.
const TQ_WEIGHTS: usize = 256;

/// Bytes per TQ1_0 block: 48 and 4 bytes of trits, f16 scale.
const TQ1_0_BYTES: usize = 54;

/// Bytes per TQ2_0 block: 64 bytes of codes, f16 scale.
const TQ2_0_BYTES: usize = 66;

/// Two bits each.
const I2S_WEIGHTS_PER_BYTE: usize = 4;

/// Bytes after the codes of an I2_S tensor: the scale, then 28 bytes that carry no meaning.
const I2S_TRAILER_BYTES: u64 = 32;

impl TernaryType {
    /// What the number of columns must be a multiple of, whatever the layout.
    pub fn column_multiple(self) -> usize {
        match self {
            TernaryType::I2s => I2S_WEIGHTS_PER_BYTE,
            TernaryType::Tq1_0 | TernaryType::Tq2_0 => TQ_WEIGHTS,
            TernaryType::F32 | TernaryType::F16 | TernaryType::Bf16 => 1,
        }
    }

    /// Bytes of a row of `n_cols` weights.
    pub fn row_bytes(self, n_cols: u64) -> u64 {
        let blocks = n_cols / self.column_multiple() as u64;
        blocks
            * match self {
                TernaryType::I2s => 1,
                TernaryType::Tq1_0 => TQ1_0_BYTES as u64,
                TernaryType::Tq2_0 => TQ2_0_BYTES as u64,
                TernaryType::F32 => 4,
                TernaryType::F16 | TernaryType::Bf16 => 2,
            }
    }

    /// Bytes after the last row.
    pub fn trailer_bytes(self) -> u64 {
        match self {
            TernaryType::I2s => I2S_TRAILER_BYTES,
            _ => 0,
        }
    }

    /// What the number of columns must be a multiple of in a layout: I2_S rows are whole blocks.
    pub fn column_multiple_in(self, layout: I2sLayout) -> usize {
        match (self, layout) {
            (TernaryType::I2s, I2sLayout::Block128) => 128,
            (TernaryType::I2s, I2sLayout::Block64) => 64,
            _ => self.column_multiple(),
        }
    }

    /// Rows that share their bytes.
    pub fn rows_per_group(self, layout: I2sLayout) -> usize {
        match (self, layout) {
            (TernaryType::I2s, I2sLayout::Row4) => 4,
            _ => 1,
        }
    }

    /// Decodes one group of rows of `n_cols` weights to `weights`, `[rows, at least n_cols]`.
    pub fn decode(
        self,
        layout: I2sLayout,
        bytes: &[u8],
        n_cols: usize,
        weights: &mut [i8],
        scale: &mut OneScale,
    ) -> Result<(), String> {
        let row = &mut weights[..n_cols];
        match (self, layout) {
            (TernaryType::I2s, I2sLayout::Block128) => i2s_blocks::<128>(bytes, row),
            (TernaryType::I2s, I2sLayout::Block64) => i2s_blocks::<64>(bytes, row),
            (TernaryType::I2s, I2sLayout::Row4) => i2s_row4(bytes, weights),
            (TernaryType::Tq1_0, _) => tq1_0(bytes, row, scale),
            (TernaryType::Tq2_0, _) => tq2_0(bytes, row, scale),
            (TernaryType::F32, _) => dense(bytes.as_chunks().0, f32_le, row, scale),
            (TernaryType::F16, _) => dense(bytes.as_chunks().0, f16_le, row, scale),
            (TernaryType::Bf16, _) => dense(bytes.as_chunks().0, bf16_le, row, scale),
        }
    }
}

/// Blocks of N weights in N / 4 bytes: byte k holds weights k, k + N/4, k + N/2 and k + 3N/4.
fn i2s_blocks<const N: usize>(bytes: &[u8], weights: &mut [i8]) -> Result<(), String> {
    check_codes(bytes)?;
    for (block, weights) in bytes.chunks_exact(N / 4).zip(weights.chunks_exact_mut(N)) {
        for (k, &byte) in block.iter().enumerate() {
            for field in 0..4 {
                weights[k + field * (N / 4)] = two_bits(byte, 6 - 2 * field);
            }
        }
    }
    Ok(())
}

/// Byte c holds column c of four rows.
fn i2s_row4(bytes: &[u8], weights: &mut [i8]) -> Result<(), String> {
    check_codes(bytes)?;
    let width = weights.len() / 4;
    for (field, row) in weights.chunks_exact_mut(width).enumerate() {
        for (weight, &byte) in row.iter_mut().zip(bytes) {
            *weight = two_bits(byte, 6 - 2 * field);
        }
    }
    Ok(())
}

/// Per 256 weights: 64 bytes of codes, f16 scale.
fn tq2_0(bytes: &[u8], weights: &mut [i8], scale: &mut OneScale) -> Result<(), String> {
    let blocks = bytes.as_chunks::<TQ2_0_BYTES>().0;
    for (block, weights) in blocks.iter().zip(weights.as_chunks_mut::<TQ_WEIGHTS>().0) {
        let (codes, d) = block.split_at(TQ2_0_BYTES - 2);
        check_codes(codes)?;
        if !see_tq_scale(d, scale)? {
            weights.fill(0);
            continue;
        }
        for (half, codes) in codes.chunks_exact(32).enumerate() {
            for (m, &byte) in codes.iter().enumerate() {
                for n in 0..4 {
                    weights[128 * half + m + 32 * n] = two_bits(byte, 2 * n);
                }
            }
        }
    }
    Ok(())
}

/// Per 256 weights: 48 and 4 bytes of trits, f16 scale.
fn tq1_0(bytes: &[u8], weights: &mut [i8], scale: &mut OneScale) -> Result<(), String> {
    let blocks = bytes.as_chunks::<TQ1_0_BYTES>().0;
    for (block, weights) in blocks.iter().zip(weights.as_chunks_mut::<TQ_WEIGHTS>().0) {
        let (trits, d) = block.split_at(TQ1_0_BYTES - 2);
        if !see_tq_scale(d, scale)? {
            weights.fill(0);
            continue;
        }
        codes::trits(&trits[..32], 5, &mut weights[..160]);
        codes::trits(&trits[32..48], 5, &mut weights[160..240]);
        codes::trits(&trits[48..], 4, &mut weights[240..]);
    }
    Ok(())
}

/// Takes the scale of a TQ block. Returns whether its weights count: with scale 0, all are 0.
fn see_tq_scale(d: &[u8], scale: &mut OneScale) -> Result<bool, String> {
    let d = block_scale([d[0], d[1]])?;
    if d > 0.0 {
        scale.see(d)?;
    }
    Ok(d > 0.0)
}

/// Elements +-0 and +-s.
fn dense<const N: usize>(
    elements: &[[u8; N]],
    value: fn([u8; N]) -> f32,
    weights: &mut [i8],
    scale: &mut OneScale,
) -> Result<(), String> {
    for (i, (element, weight)) in elements.iter().zip(weights).enumerate() {
        let x = value(*element);
        *weight = i8::from(x > 0.0) - i8::from(x < 0.0);
        // In a valid tensor, almost every element is done here.
        if x == 0.0 || scale.is(x.abs()) {
            continue;
        }
        if !is_finite(x) {
            return Err(format!("element {i} is {x}; a finite value is required"));
        }
        scale
            .see(x.abs())
            .map_err(|why| format!("element {i}: {why}"))?;
    }
    Ok(())
}
