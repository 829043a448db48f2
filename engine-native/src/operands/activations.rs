//! Activations quantized to int8.

/// Columns of a block of activations, which share a scale.
pub const BLOCK_COLS: usize = 32;
/// Columns of a group of grouped ternary weights in the contract: two blocks of activations.
pub const GROUP_COLS: usize = 64;

/// Padding unit: a multiple of the block length of every [`RowLayout`](super::RowLayout).
const ACTIVATION_UNIT: usize = 768;

/// The int8 activations of one position, with the scale and the sum that a ternary product needs.
#[derive(Debug, Clone, Default)]
pub struct QuantizedActivations {
    /// Values in -127..=127, zero-padded to whole blocks of every [`RowLayout`](super::RowLayout).
    pub values: Vec<i8>,
    /// Number of activations, without the padding.
    pub len: usize,
    /// The scale: absmax / 127.
    pub scale: f32,
    /// Sum of the values. The kernels multiply by codes, which are weights plus one, and subtract
    /// it.
    pub sum: i32,
    /// After a block quantization: the scales of the blocks of 32 values, which are F16 values,
    /// instead of `scale`.
    pub block_scales: Vec<f32>,
    /// After a block quantization: the sums of the blocks, instead of `sum`.
    pub block_sums: Vec<i32>,
}

impl QuantizedActivations {
    /// Allocates room for `n` activations.
    pub fn with_len(n: usize) -> Self {
        Self {
            values: vec![0; n.next_multiple_of(ACTIVATION_UNIT)],
            len: n,
            block_scales: vec![0.0; n.div_ceil(BLOCK_COLS)],
            block_sums: vec![0; n.div_ceil(BLOCK_COLS)],
            ..Self::default()
        }
    }

    /// The values without the padding, `[len]`.
    pub fn quantized(&self) -> &[i8] {
        &self.values[..self.len]
    }

    /// Asserts that there is room for `n` values in whole blocks.
    pub(crate) fn assert_blocks(&self, n: usize) {
        assert_eq!(n, self.len);
        assert!(n.is_multiple_of(BLOCK_COLS));
        assert_eq!(self.block_scales.len(), n / BLOCK_COLS);
        assert_eq!(self.block_sums.len(), n / BLOCK_COLS);
    }
}

/// The scales and sums of the two blocks of a group, as a product with codes needs them that uses
/// the fields of the second block in place, as 4·code.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub struct GroupTerms {
    /// The scales, the second one divided by four.
    pub factors: [f32; 2],
    /// Sums of the activations, the second one times four, negated: the sums with codes start from
    /// them.
    pub minus_sums: [i32; 2],
}

#[cfg(target_arch = "x86_64")]
impl GroupTerms {
    /// The terms of all groups.
    pub fn all(activations: &QuantizedActivations) -> impl Iterator<Item = Self> {
        let (scales, _) = activations.block_scales.as_chunks::<2>();
        let (sums, _) = activations.block_sums.as_chunks::<2>();
        scales.iter().zip(sums).map(|(scales, sums)| Self {
            factors: [scales[0], scales[1] / 4.0],
            minus_sums: [-sums[0], -4 * sums[1]],
        })
    }
}
