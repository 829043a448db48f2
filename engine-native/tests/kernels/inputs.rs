//! Inputs of kernels, derived from a length and a seed, so that a failure can be reproduced.

use std::fmt;

use engine_native::{DenseType, Kernels, QuantizedActivations};
use half::f16;
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};

use crate::compare::Mismatch;

/// Lengths from 1 to a little more than twice the 32 elements of the widest loop.
pub const LENGTHS: std::ops::RangeInclusive<usize> = 1..=67;
/// Every offset within a vector of eight.
pub const SHIFTS: std::ops::Range<usize> = 0..8;
/// The element types of a KV cache.
pub const CACHE_TYPES: [DenseType; 2] = [DenseType::F32, DenseType::F16];

/// The kind of floats in a vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Regime {
    /// Uniform in -4..4.
    Ordinary,
    /// Magnitudes from 2^-20 to 2^20, so that sums depend on the order of additions.
    Uneven,
    /// Any finite bits; products and sums overflow.
    Wide,
    /// Subnormals.
    Subnormal,
    /// Ordinary, mixed with zeros, limits, infinities and NaNs.
    Special,
}

/// Edge cases: signed zeros, subnormals, the limits of F16 and F32, infinities and NaNs.
const SPECIAL: [f32; 16] = [
    0.0,
    -0.0,
    f32::from_bits(1),
    -f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    65_504.0,
    65_519.996,
    -65_519.996,
    65_520.0,
    -65_520.0,
    5.960_464_5e-8,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::from_bits(0xffa0_0001),
];

/// One case of a random check.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// Number of elements, blocks or rows, depending on the check.
    pub n: usize,
    /// A second length.
    pub m: usize,
    /// Kind of floats.
    pub regime: Regime,
    /// Seed of all values.
    pub seed: u64,
    /// Offset of every slice from its buffer's alignment.
    pub shift: usize,
}

impl Draw {
    /// Vector number `stream` of `n` floats.
    pub fn floats(&self, n: usize, stream: u64) -> Vec<f32> {
        floats(self.regime, n, self.seed.wrapping_add(stream << 32))
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

fn draws(max_n: usize, max_m: usize) -> impl Strategy<Value = Draw> {
    let regime = prop_oneof![
        4 => Just(Regime::Ordinary),
        4 => Just(Regime::Uneven),
        2 => Just(Regime::Wide),
        1 => Just(Regime::Subnormal),
        2 => Just(Regime::Special),
    ];
    let shift = SHIFTS.start..SHIFTS.end;
    (1..=max_n, 1..=max_m, regime, any::<u64>(), shift).prop_map(|(n, m, regime, seed, shift)| {
        Draw {
            n,
            m,
            regime,
            seed,
            shift,
        }
    })
}

/// Runs `case` on random draws with `n` up to `max.0` and `m` up to `max.1`. Reports the smallest
/// draw that fails.
pub fn random(
    candidate: &dyn Kernels,
    max: (usize, usize),
    case: impl Fn(&dyn Kernels, Draw) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    let config = Config {
        cases: 1024,
        // The message contains the whole case.
        failure_persistence: None,
        ..Config::default()
    };
    let test = |draw| case(candidate, draw).map_err(|Mismatch(text)| TestCaseError::fail(text));
    match TestRunner::new(config).run(&draws(max.0, max.1), test) {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, draw)) => Err(Mismatch(format!("{draw}: {reason}"))),
        Err(TestError::Abort(reason)) => panic!("no cases: {reason}"),
    }
}

/// The next integer of splitmix64.
pub fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `n` floats of a regime.
pub fn floats(regime: Regime, n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..n).map(|_| float(regime, next(&mut state))).collect()
}

fn float(regime: Regime, random: u64) -> f32 {
    let [low, high] = [random as u32, (random >> 32) as u32];
    let sign_and_mantissa = low & 0x807f_ffff;
    match regime {
        Regime::Ordinary => (low as i32 >> 8) as f32 * (4.0 / 8_388_608.0),
        Regime::Uneven => f32::from_bits(sign_and_mantissa | (107 + high % 41) << 23),
        Regime::Wide => f32::from_bits(sign_and_mantissa | (high % 255) << 23),
        Regime::Subnormal => f32::from_bits(sign_and_mantissa),
        Regime::Special if high.is_multiple_of(8) => SPECIAL[low as usize % SPECIAL.len()],
        Regime::Special => float(Regime::Ordinary, random),
    }
}

/// Packed weights of `n_blocks` blocks of 128: codes 0, 1 and 2.
pub fn ternary(n_blocks: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let code = |field: u64| (field % 3) as u8;
    (0..n_blocks * 32)
        .map(|_| {
            let z = next(&mut state);
            code(z & 0xffff) << 6
                | code(z >> 16 & 0xffff) << 4
                | code(z >> 32 & 0xffff) << 2
                | code(z >> 48)
        })
        .collect()
}

/// `n` quantized activations in -127..=127.
pub fn activations(n: usize, seed: u64) -> QuantizedActivations {
    let mut state = seed;
    let value = |z: u64| ((z % 255) as i32 - 127) as i8;
    quantized((0..n).map(|_| value(next(&mut state))).collect())
}

/// Activations of these values, all in -127..=127.
pub fn quantized(values: Vec<i8>) -> QuantizedActivations {
    let mut activations = QuantizedActivations::with_len(values.len());
    activations.values[..values.len()].copy_from_slice(&values);
    activations.sum = values.iter().map(|&q| i32::from(q)).sum();
    activations.scale = 0.031_7;
    activations
}

/// Rows of a dense type with `n` elements in all, whole blocks; those of F16 and of the quantized
/// types hold subnormals too. Finite unless the regime is [`Regime::Special`].
pub fn dense(dense_type: DenseType, n: usize, regime: Regime, seed: u64) -> Vec<u8> {
    let values = floats(regime, n, seed);
    match dense_type {
        DenseType::F32 => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        DenseType::F16 => {
            let finite = |x: &f32| x.clamp(-65_504.0, 65_504.0);
            let half = |x: &f32| f16::from_f32(finite(x)).to_le_bytes();
            values.iter().flat_map(half).collect()
        }
        DenseType::Bf16 => {
            let upper_half = |x: &f32| ((x.to_bits() >> 16) as u16).to_le_bytes();
            values.iter().flat_map(upper_half).collect()
        }
        quantized => blocks(quantized, n, seed),
    }
}

/// Random blocks of a quantized type with finite scales.
fn blocks(dense_type: DenseType, n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes: Vec<u8> = Vec::new();
    bytes.resize_with(dense_type.row_bytes(n), || next(&mut state) as u8);
    let block_bytes = dense_type.row_bytes(dense_type.block_len());
    // Any finite F16: its top exponent bit is clear.
    for block in bytes.chunks_exact_mut(block_bytes) {
        for &high_byte in scale_places(dense_type) {
            block[high_byte] &= 0xbf;
        }
    }
    bytes
}

/// Offsets of the upper bytes of a block's F16 scales.
fn scale_places(dense_type: DenseType) -> &'static [usize] {
    match dense_type {
        DenseType::Q6K => &[209],
        DenseType::Q4K => &[1, 3],
        _ => &[1],
    }
}
