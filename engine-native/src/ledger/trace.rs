//! The values of a run that the transcript commits to.

/// A token chosen greedily.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Its id.
    pub token: u32,
    /// Its logit.
    pub logit: f32,
}

/// The values of one position that the transcript commits to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PositionTrace {
    /// Position, from 0.
    pub position: usize,
    /// The token fed in.
    pub input: u32,
    /// Residual stream after each layer, `[n_layers, n_embd]`.
    pub boundaries: Vec<f32>,
    /// Output of the final RMSNorm, `[n_embd]`.
    pub hidden: Vec<f32>,
    /// The token chosen at this position, if it chooses one.
    pub choice: Option<Choice>,
}

impl PositionTrace {
    /// Residual stream after `layer`, `[n_embd]`.
    pub fn boundary(&self, layer: usize) -> &[f32] {
        let n_embd = self.hidden.len();
        &self.boundaries[layer * n_embd..(layer + 1) * n_embd]
    }
}

/// The bits of `values` as bytes, four little-endian ones each, in as much of `bytes` as they take, which is
/// returned. Transcripts hash them. It is here because this crate is optimised in every profile.
///
/// # Panics
/// There is not enough room.
pub fn little_endian<'b>(values: &[f32], bytes: &'b mut [u8]) -> &'b [u8] {
    let bytes = &mut bytes[..values.len() * 4];
    for (bytes, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *bytes = value.to_bits().to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_kept() {
        let mut room = [0xaa; 12];
        let nan = f32::from_bits(0x7fc0_0001);
        let bytes = little_endian(&[-0.0, nan], &mut room);
        assert_eq!(bytes, [0, 0, 0, 0x80, 1, 0, 0xc0, 0x7f]);
        assert_eq!(little_endian(&[], &mut room), [0u8; 0]);
    }
}
