//! Building blocks on f32: the fixed summation order, the exponential, rounding, square root.
//!
//! Rust neither contracts `a * b + c` into a fused operation nor reorders float arithmetic, so
//! every target computes exactly what is written here.

/// Lanes of the canonical summation.
pub const LANES: usize = 16;

/// 1.5 * 2^23: adding it to |x| < 2^22 leaves x, rounded half to even, in the low mantissa bits.
pub const MAGIC: f32 = 12_582_912.0;

/// Folds sixteen partial sums: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
pub fn tree16(mut a: [f32; LANES]) -> f32 {
    for n in [8, 4, 2, 1] {
        for i in 0..n {
            a[i] += a[i + n];
        }
    }
    a[0]
}

/// Dot product in sixteen lanes: element i is added to lane i mod 16. Equal lengths required.
pub fn dot16(x: &[f32], y: &[f32]) -> f32 {
    assert_eq!(x.len(), y.len(), "dot16 needs equal lengths");
    let mut lanes = [0.0f32; LANES];
    for (xs, ys) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for (lane, (a, b)) in lanes.iter_mut().zip(xs.iter().zip(ys)) {
            *lane += a * b;
        }
    }
    tree16(lanes)
}

/// Sum in sixteen lanes: element i is added to lane i mod 16.
pub fn sum16(x: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for xs in x.chunks(LANES) {
        for (lane, a) in lanes.iter_mut().zip(xs) {
            *lane += a;
        }
    }
    tree16(lanes)
}

/// Whether x is neither infinite nor NaN, decided on its bits.
pub fn is_finite(x: f32) -> bool {
    x.to_bits() & 0x7fff_ffff < 0x7f80_0000
}

/// Nearest integer, ties to even, for |x| < 2^22.
pub fn round_ties_even(x: f32) -> i32 {
    ((x + MAGIC) - MAGIC) as i32
}

/// Correctly rounded square root.
///
/// `core` has none on stable Rust. libm's either works with an exact remainder or, if another crate
/// enables that feature, uses the hardware's instruction. Both round correctly, so the bits are the
/// same.
pub fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}

const LOG2E: f32 = core::f32::consts::LOG2_E;
const LN2_HI: f32 = 355.0 / 512.0;
const LN2_LO: f32 = -2.121_944_4e-4;
#[expect(
    clippy::excessive_precision,
    reason = "the published digits of Cephes' polynomial"
)]
const EXP_POLYNOMIAL: [f32; 6] = [
    1.987_569_15e-4,
    1.398_199_950_7e-3,
    8.333_451_907_3e-3,
    4.166_579_589_4e-2,
    1.666_666_545_9e-1,
    5.000_000_120_1e-1,
];

/// e^x for x clamped to [-87, 88]; relative error below 1e-7.
pub fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * LOG2E + MAGIC;
    let n = shifted - MAGIC;
    let r = (x - n * LN2_HI) - n * LN2_LO;
    let mut p = EXP_POLYNOMIAL[0];
    for coefficient in &EXP_POLYNOMIAL[1..] {
        p = p * r + coefficient;
    }
    (p * (r * r) + r + 1.0) * power_of_two(shifted)
}

/// 2^n, where `shifted` is n + MAGIC and -126 <= n <= 127.
fn power_of_two(shifted: f32) -> f32 {
    let n = shifted.to_bits().wrapping_sub(MAGIC.to_bits());
    f32::from_bits(n.wrapping_add(127) << 23)
}
