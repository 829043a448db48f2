//! Q6_K and Q4_K: blocks of 256 weights with scales at two levels.

use super::elements::f16_le;

/// Weights of a block.
pub const WEIGHTS: usize = 256;

/// Bytes of a Q6_K block: 128 of low bits, 64 of high bits, 16 scales, f16 d.
pub const Q6_K_BYTES: usize = 210;

/// Bytes of a Q4_K block: f16 d, f16 dmin, 12 of scales and minima, 128 of nibbles.
pub const Q4_K_BYTES: usize = 144;

/// `(d * scale) * q`, where q is a six-bit number minus 32.
pub fn q6_k(block: &[u8; Q6_K_BYTES], out: &mut [f32; WEIGHTS]) {
    let (low_bits, rest) = block.split_at(128);
    let (high_bits, rest) = rest.split_at(64);
    let (scales, d) = rest.split_at(16);
    let d = f16_le([d[0], d[1]]);
    for (at, out) in out.iter_mut().enumerate() {
        let (half, i, l) = (at / 128, at % 128 / 32, at % 32);
        let low = nibble(low_bits[64 * half + 32 * (i % 2) + l], i / 2);
        let high = high_bits[32 * half + l] >> (2 * i) & 3;
        let q = (high << 4 | low).cast_signed() - 32;
        let scale = scales[8 * half + 2 * i + l / 16].cast_signed();
        *out = (d * f32::from(scale)) * f32::from(q);
    }
}

/// `(d * scale) * q - (dmin * min)`, where q is a four-bit number.
pub fn q4_k(block: &[u8; Q4_K_BYTES], out: &mut [f32; WEIGHTS]) {
    let (d, dmin) = (f16_le([block[0], block[1]]), f16_le([block[2], block[3]]));
    let (packed, nibbles) = block[4..].split_at(12);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, min) = scale_and_min(packed, group);
        let (scale, min) = (d * f32::from(scale), dmin * f32::from(min));
        let bytes = &nibbles[32 * (group / 2)..][..32];
        for (out, &byte) in out.iter_mut().zip(bytes) {
            *out = scale * f32::from(nibble(byte, group % 2)) - min;
        }
    }
}

/// The six-bit scale and minimum of group g of eight; those of the last four lie in two parts.
fn scale_and_min(packed: &[u8], g: usize) -> (u8, u8) {
    if g < 4 {
        return (packed[g] & 63, packed[g + 4] & 63);
    }
    let scale = packed[g + 4] & 15 | packed[g - 4] >> 6 << 4;
    let min = packed[g + 4] >> 4 | packed[g] >> 6 << 4;
    (scale, min)
}

/// The low (0) or high (1) four bits.
fn nibble(byte: u8, which: usize) -> u8 {
    byte >> (4 * which) & 15
}
