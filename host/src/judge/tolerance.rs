//! How far a right engine's logits may be from the reference's. The one place for these numbers.

use std::f64::consts::SQRT_2;

use serde::Serialize;

/// How far apart logits of a right engine and of the reference may be, in spreads: multiples of the
/// standard deviation of the row of logits at that position ([`super::Margin::spread`]).
///
/// It is the verifier's, never the transcript's. `ci/tolerance/README.md` has the distributions of right and
/// wrong engines that the default comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tolerance {
    spreads: f64,
    noise: f64,
}

/// [`Tolerance::spreads`] by default.
pub const DEFAULT_SPREADS: f64 = 0.5;

/// [`Tolerance::noise`] by default: that of engines that compute attention or matrices in bf16 or f16.
pub const DEFAULT_NOISE: f64 = 0.15;

/// A right engine has more ties than are allowed in at most so large a share of runs.
pub const FALSE_ALARM: f64 = 1e-4;

impl Default for Tolerance {
    fn default() -> Self {
        Self::of_spreads(DEFAULT_SPREADS)
    }
}

impl Tolerance {
    /// No tolerance: every token must be the reference's choice.
    pub const EXACT: Self = Self::of_spreads(0.0);

    /// A tolerance of so many spreads, from 0 up. The noise is in proportion to it.
    pub const fn of_spreads(spreads: f64) -> Self {
        Self {
            spreads,
            noise: spreads * (DEFAULT_NOISE / DEFAULT_SPREADS),
        }
    }

    /// The largest deviation that is no mistake, in spreads. Another token within it is a tie.
    pub fn spreads(self) -> f64 {
        self.spreads
    }

    /// The standard deviation of a right engine's error in the difference between two logits, in spreads: no
    /// right engine has more.
    pub fn noise(self) -> f64 {
        self.noise
    }

    /// Whether `spreads` is within the tolerance.
    pub(super) fn covers(self, spreads: f64) -> bool {
        spreads <= self.spreads
    }

    /// The probability that a right engine prefers a token whose logit is `spreads` below another one's, with
    /// normal noise.
    pub(super) fn preference(self, spreads: f64) -> f64 {
        match self.noise > 0.0 {
            true => libm::erfc(spreads / self.noise / SQRT_2) / 2.0,
            // Whoever sums in the same order finds two equal logits equal, and may prefer either.
            false => f64::from(u8::from(spreads <= 0.0)),
        }
    }
}
