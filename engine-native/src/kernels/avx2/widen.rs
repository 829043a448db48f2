//! Widening of blocks of every dense type to f32, with the same products as the scalar kernels.

use std::arch::x86_64::*;

use super::lanes::{load_bytes, load_half, widen_i8};
use crate::kernels::scalar;

/// Sixteen elements, widened to f32: lanes 0 to 7 and lanes 8 to 15.
pub type Lanes = [__m256; 2];

#[target_feature(enable = "avx2,f16c")]
#[inline]
pub fn widen_f32(bytes: &[u8; 64]) -> [Lanes; 1] {
    let (halves, _) = bytes.as_chunks::<32>();
    let widen = |half: &[u8; 32]| _mm256_castsi256_ps(load_bytes(half));
    [[widen(&halves[0]), widen(&halves[1])]]
}

#[target_feature(enable = "avx2,f16c")]
#[inline]
pub fn widen_f16(bytes: &[u8; 32]) -> [Lanes; 1] {
    let (halves, _) = bytes.as_chunks::<16>();
    let widen = |half: &[u8; 16]| _mm256_cvtph_ps(load_half(half));
    [[widen(&halves[0]), widen(&halves[1])]]
}

#[target_feature(enable = "avx2,f16c")]
#[inline]
pub fn widen_q8_0(block: &[u8; 34]) -> [Lanes; 2] {
    let d = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
    let (quarters, _) = block[2..].as_chunks::<16>();
    [
        scaled(load_half(&quarters[0]), d),
        scaled(load_half(&quarters[1]), d),
    ]
}

/// Sixteen i8, multiplied by `scale`.
#[target_feature(enable = "avx2")]
#[inline]
fn scaled(q: __m128i, scale: f32) -> Lanes {
    let scale = _mm256_set1_ps(scale);
    let high = _mm_srli_si128(q, 8);
    [
        _mm256_mul_ps(widen_i8(q), scale),
        _mm256_mul_ps(widen_i8(high), scale),
    ]
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn widen_bf16(bytes: &[u8; 32]) -> [Lanes; 1] {
    let (halves, _) = bytes.as_chunks::<16>();
    let widen = |half: &[u8; 16]| {
        let bits = _mm256_cvtepu16_epi32(load_half(half));
        _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16))
    };
    [[widen(&halves[0]), widen(&halves[1])]]
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn widen_q6_k(block: &[u8; 210]) -> [Lanes; 16] {
    let d = half::f16::from_le_bytes([block[208], block[209]]).to_f32();
    let (parts, _) = block.as_chunks::<32>();
    let mut lanes = [[_mm256_setzero_ps(); 2]; 16];
    for half in 0..2 {
        let lows = [
            load_bytes(&parts[2 * half]),
            load_bytes(&parts[2 * half + 1]),
        ];
        let highs = load_bytes(&parts[4 + half]);
        for quarter in 0..4 {
            let low = shift_right(lows[quarter % 2], 4 * (quarter / 2));
            let high = shift_right(highs, 2 * quarter);
            let low = _mm256_and_si256(low, _mm256_set1_epi8(15));
            let high = _mm256_and_si256(high, _mm256_set1_epi8(3));
            let six_bits = _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
            let q = _mm256_sub_epi8(six_bits, _mm256_set1_epi8(32));
            let group = 8 * half + 2 * quarter;
            let scale = |i: usize| d * f32::from(block[192 + group + i] as i8);
            lanes[group] = scaled(_mm256_castsi256_si128(q), scale(0));
            lanes[group + 1] = scaled(_mm256_extracti128_si256(q, 1), scale(1));
        }
    }
    lanes
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn widen_q4_k(block: &[u8; 144]) -> [Lanes; 16] {
    let (parts, _) = block[16..].as_chunks::<32>();
    let mut lanes = [[_mm256_setzero_ps(); 2]; 16];
    for group in 0..8 {
        let nibbles = shift_right(load_bytes(&parts[group / 2]), 4 * (group % 2));
        let q = _mm256_and_si256(nibbles, _mm256_set1_epi8(15));
        let (scale, min) = scalar::q4_k_scale(block, group);
        let widen = |q| scaled(q, scale).map(|x| _mm256_sub_ps(x, _mm256_set1_ps(min)));
        lanes[2 * group] = widen(_mm256_castsi256_si128(q));
        lanes[2 * group + 1] = widen(_mm256_extracti128_si256(q, 1));
    }
    lanes
}

/// Shifts 16-bit lanes; the caller masks bits from the neighbouring byte.
#[target_feature(enable = "avx2")]
#[inline]
fn shift_right(x: __m256i, bits: usize) -> __m256i {
    _mm256_srl_epi16(x, _mm_cvtsi32_si128(bits as i32))
}
