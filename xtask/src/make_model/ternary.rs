//! Random ternary weights, and their encodings in files.
//!
//! The weights are generated in the form of I2_S, 32 from a random word; every other type is
//! converted from this form. So a seed gives the same weights in all types.

use half::{bf16, f16};
use host::task::SplitMix64;

use super::grouped;
use super::trits::put_trits;
use super::types::WeightType;

/// The number of weights that are generated together: a block of the TQ types, two blocks of I2_S.
const PIECE_LEN: usize = 256;

/// A piece in the form of I2_S: code = weight + 1. Byte k of each half holds the weights k, k + 32,
/// k + 64 and k + 96, the first one in the highest bits. Words are little-endian.
type Piece = [u64; PIECE_LEN / 32];

/// The scale as this type stores it. For types with 16-bit values it is a [`narrow_scale`], so that the
/// model is the same in all of them.
pub(super) fn stored_scale(weights: WeightType, scale: f32) -> f32 {
    match weights {
        // The scales of groups are rounded one by one.
        WeightType::I2S | WeightType::F32 | WeightType::Grouped(_) => scale,
        WeightType::Tq1_0 | WeightType::Tq2_0 | WeightType::F16 | WeightType::Bf16 => {
            narrow_scale(scale)
        }
    }
}

/// The scale, rounded to eight significant bits: every type can represent it.
pub(super) fn narrow_scale(scale: f32) -> f32 {
    bf16::from_f32(scale).to_f32()
}

/// Appends the next 256 weights of `stream` to `out`.
pub(super) fn put_piece(
    weights: WeightType,
    scale: f32,
    stream: &mut SplitMix64,
    out: &mut Vec<u8>,
) {
    let piece: Piece = std::array::from_fn(|_| ternary_word(stream.next()));
    let (narrow, upper) = (f16::from_f32(scale), bf16::from_f32(scale));
    match weights {
        WeightType::I2S => put_words(piece, out),
        WeightType::Tq1_0 => put_tq1_0(&piece, narrow, out),
        WeightType::Tq2_0 => put_tq2_0(&piece, narrow, out),
        WeightType::F32 => put_elements(&piece, [-scale, 0.0, scale].map(f32::to_le_bytes), out),
        WeightType::F16 => put_elements(
            &piece,
            [-narrow, f16::ZERO, narrow].map(f16::to_le_bytes),
            out,
        ),
        WeightType::Bf16 => put_elements(
            &piece,
            [-upper, bf16::ZERO, upper].map(bf16::to_le_bytes),
            out,
        ),
        WeightType::Grouped(grouped) => {
            for codes in codes(&piece).as_chunks().0 {
                grouped::put_group(grouped, scale, codes, stream.next(), out);
            }
        }
    }
}

/// Thirty-two 2-bit codes (weight + 1). The invalid code 3 becomes 1, the code of weight 0.
fn ternary_word(z: u64) -> u64 {
    let is_three = z & (z << 1) & 0xAAAA_AAAA_AAAA_AAAA;
    z & !is_three
}

fn put_words(words: Piece, out: &mut Vec<u8>) {
    out.extend_from_slice(words.map(u64::to_le_bytes).as_flattened());
}

/// The codes in the order of their weights.
fn codes(piece: &Piece) -> [u8; PIECE_LEN] {
    let mut codes = [0; PIECE_LEN];
    let (halves, _) = piece.as_chunks::<4>();
    for (half, codes) in halves.iter().zip(codes.as_chunks_mut::<128>().0) {
        for (shift, codes) in [6, 4, 2, 0].iter().zip(codes.as_chunks_mut::<32>().0) {
            for (word, codes) in half.iter().zip(codes.as_chunks_mut().0) {
                *codes = (word >> shift & 0x0303_0303_0303_0303).to_le_bytes();
            }
        }
    }
    codes
}

/// Appends the element for each code.
fn put_elements<const N: usize>(piece: &Piece, elements: [[u8; N]; 3], out: &mut Vec<u8>) {
    let elements = codes(piece).map(|code| elements[usize::from(code)]);
    out.extend_from_slice(elements.as_flattened());
}

/// Appends a TQ2_0 block, whose bytes hold the same weights as in I2_S, but the first one in the
/// lowest bits.
fn put_tq2_0(piece: &Piece, d: f16, out: &mut Vec<u8>) {
    let reversed = |z: u64| {
        let nibbles = (z & 0x0F0F_0F0F_0F0F_0F0F) << 4 | (z >> 4) & 0x0F0F_0F0F_0F0F_0F0F;
        (nibbles & 0x3333_3333_3333_3333) << 2 | (nibbles >> 2) & 0x3333_3333_3333_3333
    };
    put_words(piece.map(reversed), out);
    out.extend_from_slice(&d.to_le_bytes());
}

fn put_tq1_0(piece: &Piece, d: f16, out: &mut Vec<u8>) {
    let codes = codes(piece);
    put_trits(&codes, 32, 5, out);
    put_trits(&codes[160..], 16, 5, out);
    put_trits(&codes[240..], 4, 4, out);
    out.extend_from_slice(&d.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::{WeightType, put_piece, stored_scale, ternary_word};
    use clap::ValueEnum;
    use host::task::SplitMix64;

    #[test]
    fn only_code_three_changes() {
        let two_bit_codes = (0..4u64).map(|code| ternary_word(code << 62) >> 62);
        assert_eq!(two_bit_codes.collect::<Vec<_>>(), [0, 1, 2, 1]);
        assert_eq!(ternary_word(u64::MAX), 0x5555_5555_5555_5555);
        assert_eq!(ternary_word(0b01_10), 0b01_10);
    }

    #[test]
    fn a_piece_fills_its_blocks() {
        for &weights in WeightType::value_variants() {
            let mut out = Vec::new();
            put_piece(weights, 0.5, &mut SplitMix64::new(1), &mut out);
            let layout = weights.layout();
            let expected = layout.n_bytes(256) - u64::from(layout.trailer_bytes);
            assert_eq!(out.len() as u64, expected, "{weights:?}");
        }
    }

    #[test]
    fn sixteen_bit_scales_are_the_same_number() {
        let scale = (2.0f32 / 768.0).sqrt();
        for &weights in WeightType::value_variants() {
            let stored = stored_scale(weights, scale);
            let is_wide = matches!(
                weights,
                WeightType::I2S | WeightType::F32 | WeightType::Grouped(_)
            );
            assert_eq!(stored == scale, is_wide, "{weights:?}");
            assert!((stored / scale - 1.0).abs() <= 1.0 / 256.0);
            if !is_wide {
                assert_eq!(half::f16::from_f32(stored).to_f32(), stored);
                assert_eq!(half::bf16::from_f32(stored).to_f32(), stored);
            }
        }
    }
}
