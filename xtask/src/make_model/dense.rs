//! Random token embeddings and output matrices.
//!
//! Floats have a random sign and a magnitude in [2⁻⁷, 2⁻⁵); their root mean square is 0.019. The
//! quantized types have random integers, with scales that give about the same root mean square.

use host::task::SplitMix64;

use super::ternary;
use super::types::{DenseType, WeightType};

/// Mean scale of ternary rows: their root mean square is that of the others.
const TERNARY_SCALE: f32 = 0.027;

/// Appends the next elements of `stream` to `out`: a 64-bit word of floats, or a block.
pub(super) fn put_piece(dense_type: DenseType, stream: &mut SplitMix64, out: &mut Vec<u8>) {
    match dense_type {
        DenseType::F32 => out.extend_from_slice(&f32_word(stream.next()).to_le_bytes()),
        DenseType::F16 => out.extend_from_slice(&f16_word(stream.next()).to_le_bytes()),
        DenseType::Bf16 => out.extend_from_slice(&bf16_word(stream.next()).to_le_bytes()),
        DenseType::Q8_0 => put_q8_0(stream, out),
        DenseType::Q6K => put_q6_k(stream, out),
        DenseType::Q4K => put_q4_k(stream, out),
        DenseType::Grouped(grouped) => {
            ternary::put_piece(WeightType::Grouped(grouped), TERNARY_SCALE, stream, out);
        }
    }
}

/// Four F16. The sign, the lowest exponent bit and the mantissa stay random; the other exponent
/// bits are those of 2⁻⁷.
fn f16_word(z: u64) -> u64 {
    (z & 0x87FF_87FF_87FF_87FF) | 0x2000_2000_2000_2000
}

/// Four BF16, made in the same way.
fn bf16_word(z: u64) -> u64 {
    (z & 0x80FF_80FF_80FF_80FF) | 0x3C00_3C00_3C00_3C00
}

/// Two F32, made in the same way.
fn f32_word(z: u64) -> u64 {
    (z & 0x80FF_FFFF_80FF_FFFF) | 0x3C00_0000_3C00_0000
}

/// A Q8_0 block: a scale d in [2⁻¹², 1.25·2⁻¹²), then 32 integers.
fn put_q8_0(stream: &mut SplitMix64, out: &mut Vec<u8>) {
    put_f16(0x0C00 | stream.next() & 0xFF, out);
    put_random(stream, 32, out);
}

/// A Q6_K block: 128 + 64 bytes of integers, 16 scales, then d, which is subnormal: 192 to 255
/// times 2⁻²⁴, with a random sign.
fn put_q6_k(stream: &mut SplitMix64, out: &mut Vec<u8>) {
    put_random(stream, 128 + 64 + 16, out);
    put_f16(0x00C0 | stream.next() & 0x803F, out);
}

/// A Q4_K block: a scale d in [2⁻¹⁴, 1.5·2⁻¹⁴), dmin in [2⁻¹¹, 1.25·2⁻¹¹), 12 bytes of scales, and
/// 128 bytes of integers. These ranges make the mean about 0.
fn put_q4_k(stream: &mut SplitMix64, out: &mut Vec<u8>) {
    put_f16(0x0400 | stream.next() & 0x1FF, out);
    put_f16(0x1000 | stream.next() & 0xFF, out);
    put_random(stream, 12 + 128, out);
}

fn put_f16(bits: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(bits as u16).to_le_bytes());
}

fn put_random(stream: &mut SplitMix64, n_bytes: usize, out: &mut Vec<u8>) {
    let end = out.len() + n_bytes;
    while out.len() < end {
        out.extend_from_slice(&stream.next().to_le_bytes());
    }
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::{DenseType, SplitMix64, bf16_word, f16_word, f32_word, put_piece};

    #[test]
    fn floats_stay_in_their_range() {
        let (least, end) = (1.0 / 128.0, 1.0 / 32.0);
        let f16s = [0, u64::MAX].map(|z| f16::from_bits(f16_word(z) as u16).to_f32().abs());
        let bf16s = [0, u64::MAX].map(|z| bf16::from_bits(bf16_word(z) as u16).to_f32().abs());
        let f32s = [0, u64::MAX].map(|z| f32::from_bits(f32_word(z) as u32).abs());
        for [low, high] in [f16s, bf16s, f32s] {
            assert_eq!(low, least);
            assert!(high < end && high > end * 0.99, "{high}");
        }
    }

    #[test]
    fn blocks_have_the_length_of_their_type() {
        for dense_type in [DenseType::Q8_0, DenseType::Q6K, DenseType::Q4K] {
            let mut out = Vec::new();
            put_piece(dense_type, &mut SplitMix64::new(1), &mut out);
            let expected = dense_type.layout().block_bytes;
            assert_eq!(out.len() as u32, expected, "{dense_type:?}");
        }
    }
}
