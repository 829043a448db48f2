//! The file's types of grouped ternary tensors: blocks of weights, each with a scale of its own.

use alloc::format;
use alloc::string::String;

use super::codes::{check_codes, trits, two_bits};
use super::scale::block_scale;

/// Weights of a group: the columns of a row that share a scale. A block is one group, or two.
pub const GROUP_WEIGHTS: usize = 64;

/// Storage of a grouped ternary tensor: an embedding, a projection or an output matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupedType {
    /// Two bits a weight, an f16 scale per 64: type 42 in its present form.
    Q2_0,
    /// Two bits a weight, an f16 scale per 128. Also type 42 in its older form.
    Pq2_0,
    /// Five weights a byte, an f16 scale per 128.
    Ptq1_0,
}

impl GroupedType {
    /// Weights and bytes of a block.
    const fn block(self) -> (usize, usize) {
        match self {
            GroupedType::Q2_0 => (64, 18),
            GroupedType::Pq2_0 => (128, 34),
            GroupedType::Ptq1_0 => (128, 28),
        }
    }

    /// What the number of columns must be a multiple of.
    pub fn column_multiple(self) -> usize {
        self.block().0
    }

    /// Bytes of a row of `n_cols` weights, whole blocks.
    pub fn row_bytes(self, n_cols: u64) -> u64 {
        let (weights, bytes) = self.block();
        n_cols / weights as u64 * bytes as u64
    }

    /// Decodes a row to `weights`, `[n_cols]`, and `scales`, `[n_cols / 64]`. An error names the
    /// block.
    pub fn decode(
        self,
        bytes: &[u8],
        weights: &mut [i8],
        scales: &mut [f32],
    ) -> Result<(), String> {
        let (block_weights, block_bytes) = self.block();
        let weights = weights.chunks_exact_mut(block_weights);
        let scales = scales.chunks_exact_mut(block_weights / GROUP_WEIGHTS);
        let blocks = bytes.chunks_exact(block_bytes).zip(weights).zip(scales);
        for (i, ((bytes, weights), scales)) in blocks.enumerate() {
            let d = self.decode_block(bytes, weights);
            scales.fill(d.map_err(|why| format!("block {i}: {why}"))?);
        }
        Ok(())
    }

    /// Decodes a block's weights and returns its scale.
    fn decode_block(self, bytes: &[u8], weights: &mut [i8]) -> Result<f32, String> {
        match self {
            GroupedType::Q2_0 | GroupedType::Pq2_0 => {
                let codes = &bytes[2..];
                check_codes(codes)?;
                for (weights, &byte) in weights.chunks_exact_mut(4).zip(codes) {
                    for (n, weight) in weights.iter_mut().enumerate() {
                        *weight = two_bits(byte, 2 * n);
                    }
                }
                block_scale([bytes[0], bytes[1]])
            }
            GroupedType::Ptq1_0 => {
                trits(&bytes[..16], 5, &mut weights[..80]);
                trits(&bytes[16..24], 5, &mut weights[80..120]);
                trits(&bytes[24..26], 4, &mut weights[120..]);
                block_scale([bytes[26], bytes[27]])
            }
        }
    }
}
