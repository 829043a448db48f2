//! IEEE half precision: widening is exact, narrowing rounds to nearest even.

/// Smallest magnitude that rounds to infinity: halfway between 65504 and 2^16.
pub const OVERFLOW: f32 = 65_520.0;

/// The f32 with the same value; infinities stay infinite, NaN stays NaN.
pub fn widen(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let mantissa = u32::from(bits & 0x3ff);
    let magnitude = match exponent {
        // Zero or subnormal: mantissa * 2^-24, a product of two exact f32 values.
        0 => (f32::from(bits & 0x3ff) * f32::from_bits((127 - 24) << 23)).to_bits(),
        0x1f => 0x7f80_0000 | mantissa << 13,
        _ => (exponent + (127 - 15)) << 23 | mantissa << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// Nearest half, ties to even; `None` for NaN and for |x| >= 65520, which has no finite half.
pub fn narrow(x: f32) -> Option<u16> {
    let sign = (x.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = f32::from_bits(x.to_bits() & 0x7fff_ffff);
    // False for NaN, so that NaN is refused too.
    let in_range = magnitude < OVERFLOW;
    in_range.then(|| sign | narrow_magnitude(magnitude))
}

/// Bits of the half nearest to 0 <= x < 65520.
fn narrow_magnitude(x: f32) -> u16 {
    const SMALLEST_NORMAL: f32 = f32::from_bits((127 - 14) << 23);
    if x < SMALLEST_NORMAL {
        // 0.5 has an ulp of 2^-24, the spacing of subnormal halves: the addition rounds to it.
        return ((x + 0.5).to_bits() - 0.5f32.to_bits()) as u16;
    }
    let rebased = x.to_bits() - ((127 - 15) << 23);
    let odd = rebased >> 13 & 1;
    // Adding just under half (or exactly half, when odd) carries where rounding goes up.
    ((rebased + 0xfff + odd) >> 13) as u16
}

/// The half nearest to x, widened again: what an f16 KV cache makes of a value.
pub fn round_through(x: f32) -> Option<f32> {
    narrow(x).map(widen)
}
