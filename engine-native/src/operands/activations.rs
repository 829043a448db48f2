//! Activations as int8.

/// A multiple of the block length of every [`RowLayout`].
const ACTIVATION_UNIT: usize = 768;

/// Activations of one position as int8, with what a ternary product needs beside them.
#[derive(Debug, Clone, Default)]
pub struct QuantizedActivations {
    /// Values in -127..=127, filled up with zeros to whole blocks of every [`RowLayout`].
    pub values: Vec<i8>,
    /// Activations, without what fills up the values.
    pub len: usize,
    /// What one unit is worth: absmax / 127.
    pub scale: f32,
    /// Sum of the values: the kernels multiply by codes, which are weights plus one.
    pub sum: i32,
}

impl QuantizedActivations {
    /// Room for `n` activations.
    pub fn with_len(n: usize) -> Self {
        Self {
            values: vec![0; n.next_multiple_of(ACTIVATION_UNIT)],
            len: n,
            ..Self::default()
        }
    }

    /// The values alone, `[len]`.
    pub fn quantized(&self) -> &[i8] {
        &self.values[..self.len]
    }
}
