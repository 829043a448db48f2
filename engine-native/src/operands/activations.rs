//! Activations quantized to int8.

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
}

impl QuantizedActivations {
    /// Allocates room for `n` activations.
    pub fn with_len(n: usize) -> Self {
        Self {
            values: vec![0; n.next_multiple_of(ACTIVATION_UNIT)],
            len: n,
            ..Self::default()
        }
    }

    /// The values without the padding, `[len]`.
    pub fn quantized(&self) -> &[i8] {
        &self.values[..self.len]
    }
}
