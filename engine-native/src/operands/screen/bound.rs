//! How far a logit can be from its approximation.

use std::ops::Range;

use super::norm::{norm_rounded_up, rounded_up};

/// For one hidden state x: at row w, with copy q, the logit of the contract is within
/// `‖w − q‖·per_residual + ‖w‖·per_norm + slack` of the approximation.
///
/// Let x' be x in sixteen bits and u = 2⁻²⁴. By Cauchy and Schwarz:
///
/// - The logit, `dot16(w, x)`, rounds each product once and each partial sum of its n/16 (rounded
///   up) additions and 4 of the tree: it is within `γ·‖w‖·‖x‖` of w·x, `γ = k·u / (1 − k·u)`,
///   `k = n/16 + 5` (Higham, *Accuracy and Stability of Numerical Algorithms*, section 3.1), beside
///   products that are too small for an f32, each at most 2⁻¹⁵⁰ off.
/// - `w·x − q·x' = (w − q)·x + q·(x − x')`, at most `‖w − q‖·‖x‖ + (‖w‖ + ‖w − q‖)·‖x − x'‖`.
/// - The approximation is computed from two exact integers. Both become an f32, they are added, the
///   scales multiplied, then all: six roundings of what is at most
///   `3·(‖w‖ + ‖w − q‖)·(‖x‖ + ‖x − x'‖)`. Where it is refined, the same holds of what is added, with
///   `‖w − q‖ + ‖w − r‖` for the finer copy r; the coarse copy is within `‖w‖·√n / 32` of the row,
///   8 times ‖w‖ at most. Adding that and comparing the sum with a logit rounds a few times more.
///   Altogether less than 200·u times the norms; `ROUNDING` is twice that.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    #[allow(missing_docs)]
    pub per_residual: f32,
    #[allow(missing_docs)]
    pub per_norm: f32,
    #[allow(missing_docs)]
    pub slack: f32,
}

/// Relative, of every product of norms.
const ROUNDING: f64 = 1.0 / (1 << 15) as f64;
/// Absolute: more than everything that is too small for an f32 can add up to.
const SLACK: f32 = 1e-30;
/// A logit whose bound is below it is finite whatever the order of its sum.
const LARGEST: f64 = f32::MAX as f64 / 16.0;

impl Bound {
    /// For hidden state `x` with ‖x − x'‖ at most `lost`, and rows not longer than `largest_norm`.
    /// `None` if their logits could overflow.
    pub(crate) fn new(x: &[f32], lost: f64, largest_norm: f32) -> Option<Self> {
        let x_norm = norm_rounded_up(x);
        let roundings = (x.len().div_ceil(16) + 5) as f64 * f64::from(f32::EPSILON) / 2.0;
        let gamma = roundings / (1.0 - roundings);
        let rounding = ROUNDING * (x_norm + lost);
        let fits = (x_norm + lost) * f64::from(largest_norm) < LARGEST;
        fits.then(|| Self {
            per_residual: rounded_up(x_norm + lost + rounding),
            per_norm: rounded_up(lost + gamma * x_norm + rounding),
            slack: SLACK,
        })
    }

    /// For a row with ‖w − q‖ `residual` and ‖w‖ `norm`, both rounded up.
    #[inline(always)]
    pub(crate) fn of_row(&self, residual: f32, norm: f32) -> f32 {
        residual * self.per_residual + norm * self.per_norm + self.slack
    }
}

/// Approximations of logits, and how far off each can be.
#[derive(Debug, Clone, Copy)]
pub struct Bounded<'a> {
    /// Number of the first row.
    pub first: u32,
    /// `[n_rows]`, none a NaN.
    pub approximations: &'a [f32],
    /// `[n_rows]`
    pub residuals: &'a [f32],
    /// `[n_rows]`
    pub norms: &'a [f32],
    /// How far, for the residual and the norm of a row.
    pub bound: Bound,
}

// Inlined into functions of each ISA, which the compiler vectorises for it.
impl Bounded<'_> {
    /// Rows `range` of these.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        Self {
            first: self.first + range.start as u32,
            approximations: &self.approximations[range.clone()],
            residuals: &self.residuals[range.clone()],
            norms: &self.norms[range],
            ..*self
        }
    }

    /// Checks that there is what it takes, and room for all rows.
    pub(crate) fn assert_fits(&self, rows: &[u32]) {
        let n = self.approximations.len();
        assert!(self.residuals.len() == n && self.norms.len() == n && rows.len() == n);
    }

    /// Whether the logit of the `r`-th row may be `least` or more.
    #[inline(always)]
    pub(crate) fn reaches(&self, r: usize, least: f32) -> bool {
        self.approximations[r] + self.bound.of_row(self.residuals[r], self.norms[r]) >= least
    }
}
