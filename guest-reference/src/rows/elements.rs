//! Single elements: the f32 of little-endian bytes.

use crate::half;

/// The f32 of four little-endian bytes.
pub fn f32_le(bytes: [u8; 4]) -> f32 {
    f32::from_le_bytes(bytes)
}

/// The f32 with the value of a half.
pub fn f16_le(bytes: [u8; 2]) -> f32 {
    half::widen(u16::from_le_bytes(bytes))
}

/// The f32 whose upper half is given.
pub fn bf16_le(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
}
