//! How far a logit can be from its approximation by the screen.

use std::ops::Range;

use super::norm::{norm_rounded_up, rounded_up};

/// The error bound for one hidden state x. For a row w with the copy q, the exact logit differs
/// from the approximation by at most `‖w − q‖·per_residual + ‖w‖·per_norm + slack`.
///
/// Let x' be x quantized to 16 bits, and u = 2⁻²⁴. By the Cauchy–Schwarz inequality:
///
/// - The logit `dot16(w, x)` rounds each product once, and then each of ⌈n/16⌉ additions in a lane
///   and of 4 in the tree. So it differs from w·x by at most `γ·‖w‖·‖x‖`, with `γ = k·u / (1 −
///   k·u)` and `k = ⌈n/16⌉ + 5` (Higham, *Accuracy and Stability of Numerical Algorithms*, section
///   3.1), and by at most 2⁻¹⁵⁰ for each product that underflows.
/// - `w·x − q·x' = (w − q)·x + q·(x − x')`, which is at most `‖w − q‖·‖x‖ + (‖w‖ + ‖w − q‖)·‖x −
///   x'‖`.
/// - The approximation is computed from two exact integers: both are converted to f32 and added,
///   the scales are multiplied, and the results are multiplied. These are six roundings of values
///   that are at most `3·(‖w‖ + ‖w − q‖)·(‖x‖ + ‖x − x'‖)`. The same holds for the correction when
///   a row is refined, with `‖w − q‖ + ‖w − r‖` for the finer copy r; the coarse copy is within
///   `‖w‖·√n / 32` of the row, which is at most 8·‖w‖. Adding the correction and comparing with a
///   logit rounds a few more times. In total this is less than 200·u times the norms; `ROUNDING` is
///   more than twice that.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    #[allow(missing_docs)]
    pub per_residual: f32,
    #[allow(missing_docs)]
    pub per_norm: f32,
    #[allow(missing_docs)]
    pub slack: f32,
}

/// Relative rounding error, for every product of norms.
const ROUNDING: f64 = 1.0 / (1 << 15) as f64;
/// Absolute error: more than all underflows can add up to.
const SLACK: f32 = 1e-30;
/// A logit with a bound below this is finite in any order of summation.
const LARGEST: f64 = f32::MAX as f64 / 16.0;

impl Bound {
    /// The bound for the hidden state `x` with ‖x − x'‖ at most `lost`, and for rows whose norm is
    /// at most `largest_norm`. `None` if logits could overflow.
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

    /// The bound for a row with ‖w − q‖ = `residual` and ‖w‖ = `norm`, both rounded up.
    #[inline(always)]
    pub(crate) fn of_row(&self, residual: f32, norm: f32) -> f32 {
        residual * self.per_residual + norm * self.per_norm + self.slack
    }
}

/// Approximations of logits with their error bounds.
#[derive(Debug, Clone, Copy)]
pub struct Bounded<'a> {
    /// Index of the first row.
    pub first: u32,
    /// `[n_rows]`, without NaNs.
    pub approximations: &'a [f32],
    /// `[n_rows]`
    pub residuals: &'a [f32],
    /// `[n_rows]`
    pub norms: &'a [f32],
    /// The bound for the residual and the norm of a row.
    pub bound: Bound,
}

// Inlined into functions of each ISA, where the compiler vectorises it.
impl Bounded<'_> {
    /// The rows in `range`.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        Self {
            first: self.first + range.start as u32,
            approximations: &self.approximations[range.clone()],
            residuals: &self.residuals[range.clone()],
            norms: &self.norms[range],
            ..*self
        }
    }

    /// Asserts that all slices have the same length, and that `rows` has room for all rows.
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
