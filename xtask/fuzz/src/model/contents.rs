//! The numbers in a generated model's tensors.

use half::{bf16, f16};

use super::tensors::{
    BF16, F16, F32, I2_S, PQ2_0, PTQ1_0, Q2_0, Q2_0_OF_128, Q6_K, Q8_0, TQ1_0, TQ2_0,
};
use crate::choices::{Choices, Noise};

/// Numbers that are drawn before a tensor is filled with them: it is faster, and gives equal logits.
const POOL: usize = 1024;

/// How large the numbers of a tensor are.
#[derive(Clone, Copy, Debug)]
pub enum Magnitude {
    /// Around 0, with about this deviation.
    About(f32),
    /// -2 to 2.
    Integers,
    /// Any exponent, either sign.
    Mixed,
    /// One number, again and again.
    Same,
    /// Zeros of either sign.
    Zeros,
}

impl Magnitude {
    /// Numbers that no model has.
    pub fn wild(choices: &mut Choices) -> Self {
        choices.of(&[
            Self::Mixed,
            Self::Integers,
            Self::Same,
            Self::Zeros,
            Self::About(1e-30),
            Self::About(1e-20),
            Self::About(1e-3),
            Self::About(1e3),
            Self::About(1e10),
            Self::About(1e18),
            Self::About(1e19),
            Self::About(1e30),
            Self::About(3e37),
        ])
    }

    fn draw(self, noise: &mut Noise, same: f32) -> f32 {
        match self {
            Self::About(scale) => scale * spread(noise),
            Self::Integers => noise.below(5) as f32 - 2.0,
            Self::Mixed => {
                let exponent = noise.below(76) as i32 - 38;
                sign(noise) * (1.0 + noise.unit()) * 10f32.powi(exponent)
            }
            Self::Same => same,
            Self::Zeros => 0.0 * sign(noise),
        }
    }

    /// For scales of blocks, which multiply integers.
    fn of_scales(self) -> f32 {
        match self {
            Self::About(scale) => scale,
            Self::Integers | Self::Same => 1.0,
            Self::Mixed => -1e-3,
            Self::Zeros => 0.0,
        }
    }
}

fn sign(noise: &mut Noise) -> f32 {
    match noise.below(2) {
        0 => 1.0,
        _ => -1.0,
    }
}

/// A sum of uniform numbers: nearly normal, of deviation 1.
fn spread(noise: &mut Noise) -> f32 {
    (0..3).map(|_| 2.0 * noise.unit() - 1.0).sum()
}

fn encoded(type_id: u32, x: f32) -> Vec<u8> {
    match type_id {
        F32 => x.to_le_bytes().to_vec(),
        BF16 => bf16::from_f32(x.clamp(-3.3e38, 3.3e38))
            .to_le_bytes()
            .to_vec(),
        _ => half(x).to_vec(),
    }
}

/// As f16, finite.
fn half(x: f32) -> [u8; 2] {
    f16::from_f32(x.clamp(-65504.0, 65504.0)).to_le_bytes()
}

/// `n` numbers of an embedding, an output matrix or a norm.
pub fn dense(noise: &mut Noise, type_id: u32, n: usize, magnitude: Magnitude) -> Vec<u8> {
    let scale = magnitude.of_scales() / 127.0;
    let d = |noise: &mut Noise| half(scale * (0.5 + noise.unit()));
    match type_id {
        F32 | F16 | BF16 => {
            let same = spread(noise);
            let draw = |noise: &mut Noise| encoded(type_id, magnitude.draw(noise, same));
            filled(noise, n, draw)
        }
        Q8_0 => blocks(n / 32, || [&d(noise)[..], &noise.bytes(32)].concat()),
        Q6_K => blocks(n / 256, || [&noise.bytes(208)[..], &d(noise)].concat()),
        _ => blocks(n / 256, || {
            [&d(noise)[..], &d(noise), &noise.bytes(140)].concat()
        }),
    }
}

/// `n` ternary weights; `odds` are those of -1, 0 and +1.
pub fn ternary(noise: &mut Noise, type_id: u32, n: usize, scale: f32, odds: [usize; 3]) -> Vec<u8> {
    match type_id {
        I2_S => {
            let mut data = filled(noise, n / 4, |noise| vec![four_codes(noise, odds)]);
            data.extend(scale.to_le_bytes());
            data.extend(noise.bytes(28));
            data
        }
        TQ2_0 => blocks(n / 256, || {
            let codes = filled(noise, 64, |noise| vec![four_codes(noise, odds)]);
            [&codes[..], &half(scale)].concat()
        }),
        Q2_0 => blocks(n / 64, || {
            let codes = filled(noise, 16, |noise| vec![four_codes(noise, odds)]);
            [&group_scale(noise, scale)[..], &codes].concat()
        }),
        Q2_0_OF_128 | PQ2_0 => blocks(n / 128, || {
            let codes = filled(noise, 32, |noise| vec![four_codes(noise, odds)]);
            [&group_scale(noise, scale)[..], &codes].concat()
        }),
        PTQ1_0 => blocks(n / 128, || {
            [&noise.bytes(26)[..], &group_scale(noise, scale)].concat()
        }),
        TQ1_0 => blocks(n / 256, || [&noise.bytes(52)[..], &half(scale)].concat()),
        _ => filled(noise, n, |noise| {
            let weight = code(noise, odds) as f32 - 1.0;
            let zero = 0.0 * sign(noise);
            encoded(type_id, if weight == 0.0 { zero } else { weight * scale })
        }),
    }
}

/// Scales of groups differ; some are 0.
fn group_scale(noise: &mut Noise, scale: f32) -> [u8; 2] {
    match noise.below(16) {
        0 => [0; 2],
        1 => half(scale),
        _ => half(scale * (0.5 + noise.unit())),
    }
}

fn blocks(n: usize, mut block: impl FnMut() -> Vec<u8>) -> Vec<u8> {
    (0..n).flat_map(|_| block()).collect()
}

/// `n` elements, from a pool where they are many.
fn filled(noise: &mut Noise, n: usize, draw: impl Fn(&mut Noise) -> Vec<u8>) -> Vec<u8> {
    let pool: Vec<Vec<u8>> = (0..n.min(POOL)).map(|_| draw(noise)).collect();
    match n {
        0..=POOL => pool.concat(),
        _ => (0..n)
            .flat_map(|_| pool[noise.below(POOL)].iter().copied())
            .collect(),
    }
}

/// Weight + 1.
fn code(noise: &mut Noise, [minus, zero, plus]: [usize; 3]) -> u8 {
    let drawn = noise.below(minus + zero + plus);
    u8::from(drawn >= minus) + u8::from(drawn >= minus + zero)
}

fn four_codes(noise: &mut Noise, odds: [usize; 3]) -> u8 {
    (0..4).fold(0, |byte, _| byte << 2 | code(noise, odds))
}
