//! How far a right engine's logits may be from the reference's. The one place for these numbers.

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
pub const DEFAULT_SPREADS: f64 = 0.1;

/// [`Tolerance::spreads`] divided by [`Tolerance::noise`].
pub const SPREADS_PER_NOISE: f64 = 5.0;

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
            noise: spreads / SPREADS_PER_NOISE,
        }
    }

    /// The largest deviation that is no mistake, in spreads. Another token within it is a tie.
    pub fn spreads(self) -> f64 {
        self.spreads
    }

    /// The mean absolute error of the difference between two logits, in spreads: no right engine has more.
    pub fn noise(self) -> f64 {
        self.noise
    }

    /// Whether `spreads` is within the tolerance.
    pub(super) fn covers(self, spreads: f64) -> bool {
        spreads <= self.spreads
    }

    /// The probability that a right engine prefers a token whose logit is `spreads` below another one's.
    /// The error of a difference is taken for Laplace's: normal errors whose size differs from position to
    /// position have such tails.
    pub(super) fn preference(self, spreads: f64) -> f64 {
        match self.noise > 0.0 {
            true => (-spreads / self.noise).exp() / 2.0,
            false => f64::from(u8::from(spreads <= 0.0)) / 2.0,
        }
    }
}
