//! Low-bit copies of rows, for products that only have to be close.
//!
//! A row is `scale · (2·code − 31)`, codes in 0..32: five bits each. Four rows lie interleaved, so
//! that one stream of memory feeds four products, which share every load of the activations. See
//! [`crate::screen`] for what they are good for.

use std::ops::Range;

/// Rows that lie interleaved.
pub const SCREEN_ROWS: usize = 4;
/// Codes of a row that lie together.
pub const SCREEN_STEP: usize = 512;
/// Codes of [`SCREEN_ROWS`] rows, five lines of 64 bytes for each row in turn. The first line holds
/// lowest bits: bit g of byte l is that of code `64·g + l`. In the p-th line that follows, byte l holds
/// the upper four bits of code `128·p + l` in bits 7:4 and of code `128·p + 64 + l` in bits 3:0.
pub type ScreenStep = [[[u8; 64]; 5]; SCREEN_ROWS];
/// Bytes of a [`ScreenStep`].
pub const SCREEN_STEP_BYTES: usize = size_of::<ScreenStep>();
/// Half the number of codes: the largest magnitude is worth this many halves of a step.
pub const SCREEN_LEVELS: f32 = 32.0;
/// What is added to `2·code` so that codes are as far below as above zero, negated.
pub const SCREEN_OFFSET: i32 = 31;
/// Columns of the longest rows: beyond, a sum of products could overflow an i32.
pub const MAX_SCREEN_COLS: usize = 1 << 16;

/// Low-bit rows.
#[derive(Debug, Clone, Copy)]
pub struct ScreenRows<'a> {
    /// The rows, the last group filled up.
    pub packed: &'a [u8],
    /// Scale of each row, `[n_rows]`.
    pub scales: &'a [f32],
    /// Elements of a row, without what fills up its last step.
    pub n_cols: usize,
}

impl ScreenRows<'_> {
    /// Bytes of `n_rows` rows of `n_cols` elements.
    pub const fn bytes(n_rows: usize, n_cols: usize) -> usize {
        n_rows.div_ceil(SCREEN_ROWS) * n_cols.div_ceil(SCREEN_STEP) * SCREEN_STEP_BYTES
    }

    /// `n` rows from `first` on, which begins a group.
    ///
    /// # Panics
    /// There are not that many, or `first` is inside a group.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        assert!(first.is_multiple_of(SCREEN_ROWS));
        let start = Self::bytes(first, self.n_cols);
        Self {
            packed: &self.packed[start..start + Self::bytes(n, self.n_cols)],
            scales: &self.scales[first..first + n],
            ..*self
        }
    }

    /// Checks that this fits a product with `x` into `n_outputs`.
    pub(super) fn assert_fits(&self, x: &ScreenActivations, n_outputs: usize) {
        assert!(self.n_cols == x.len && self.n_cols <= MAX_SCREEN_COLS);
        assert_eq!(self.scales.len(), n_outputs);
        assert_eq!(self.packed.len(), Self::bytes(n_outputs, self.n_cols));
    }

    /// The steps of the `i`-th group of rows.
    pub(super) fn group(&self, i: usize) -> &[ScreenStep] {
        let (lines, _) = self.packed.as_chunks::<64>();
        let steps = lines.as_chunks::<5>().0.as_chunks::<SCREEN_ROWS>().0;
        let n_steps = self.n_cols.div_ceil(SCREEN_STEP);
        &steps[i * n_steps..][..n_steps]
    }
}

/// What low-bit rows leave out, two bits more of each code: row r is closer to its copy plus
/// `scales[r] / 4 · (2·code − 3)`.
#[derive(Debug, Clone, Copy)]
pub struct RefineRows<'a> {
    /// The rows, [`RefineRows::row_bytes`] each: bits 7 and 6 of byte k of 64 bytes hold code k, then
    /// follow codes k + 64, k + 128 and k + 192.
    pub packed: &'a [u8],
    /// Scales of the low-bit rows, `[n_rows]`.
    pub scales: &'a [f32],
    /// Elements of a row, without what fills up its last step.
    pub n_cols: usize,
}

impl RefineRows<'_> {
    /// Bytes of one row of `n_cols` elements.
    pub const fn row_bytes(n_cols: usize) -> usize {
        n_cols.next_multiple_of(SCREEN_STEP) / 4
    }

    /// Blocks of 256 codes of row `r`.
    pub(super) fn row(&self, r: u32) -> &[[u8; 64]] {
        let bytes = Self::row_bytes(self.n_cols);
        self.packed[r as usize * bytes..][..bytes].as_chunks().0
    }

    /// Checks that this fits a product with `x` of as many rows as there are `approximations`.
    pub(super) fn assert_fits(&self, x: &ScreenActivations, rows: &[u32], out: &[f32]) {
        assert!(self.n_cols == x.len && self.n_cols <= MAX_SCREEN_COLS);
        let n_rows = self.scales.len();
        assert_eq!(self.packed.len(), n_rows * Self::row_bytes(self.n_cols));
        assert!(rows.len() == out.len() && rows.iter().all(|&r| (r as usize) < n_rows));
    }

    /// What sums Σ 2·code·part of row `r` add to its approximation.
    pub(super) fn correction(&self, r: u32, x: &ScreenActivations, sums: [i32; 2]) -> f32 {
        let [high, low] = [0, 1].map(|part| (sums[part] - 3 * x.sums[part]) as f32);
        (high * 256.0 + low) * (self.scales[r as usize] * x.scale * 0.25)
    }
}

/// The largest magnitude in units of the activations' scale: both parts of it are then an i8.
const LARGEST: f32 = 32512.0;

/// Activations as sixteen-bit integers in two parts: `scale · (256·high + low)`.
#[derive(Debug, Clone, Default)]
pub struct ScreenActivations {
    /// Upper parts, in -127..=127, filled up with zeros to whole steps.
    pub high: Vec<i8>,
    /// Lower parts, filled up likewise.
    pub low: Vec<i8>,
    /// Activations, without what fills up the parts.
    pub len: usize,
    /// What one unit is worth.
    pub scale: f32,
    /// Sums of the upper and of the lower parts: the kernels multiply by codes.
    pub sums: [i32; 2],
}

impl ScreenActivations {
    /// Room for `n` activations.
    pub fn with_len(n: usize) -> Self {
        let padded = n.next_multiple_of(SCREEN_STEP);
        Self {
            high: vec![0; padded],
            low: vec![0; padded],
            len: n,
            ..Self::default()
        }
    }

    /// Takes over finite `x`. Returns the length of what rounding took off it, rounded up.
    pub fn quantize(&mut self, x: &[f32]) -> f64 {
        assert_eq!(x.len(), self.len);
        let absmax = x.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        self.scale = absmax / LARGEST;
        let per_unit = LARGEST / absmax;
        self.sums = [0; 2];
        let mut lost = 0.0;
        for ((x, high), low) in x.iter().zip(&mut self.high).zip(&mut self.low) {
            // All zeros make this NaN, and NaN becomes 0.
            let rounded = (x * per_unit).round_ties_even();
            let unit = rounded.clamp(-LARGEST, LARGEST) as i32;
            let upper = (unit + 128) >> 8;
            let lower = unit - (upper << 8);
            (*high, *low) = (upper as i8, lower as i8);
            self.sums[0] += upper;
            self.sums[1] += lower;
            let error = f64::from(*x) - f64::from(self.scale) * f64::from(unit);
            lost += error * error;
        }
        round_up(lost.sqrt())
    }
}

/// The length of `x`, rounded up.
pub(crate) fn norm_rounded_up(x: &[f32]) -> f64 {
    // Sixteen sums at once, so that the loop is vectorised.
    let mut lanes = [0.0f64; 16];
    let (chunks, tail) = x.as_chunks::<16>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*x) * f64::from(*x);
        }
    }
    let tail: f64 = tail.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    round_up((lanes.iter().sum::<f64>() + tail).sqrt())
}

/// More than the rounding of a sum of 65,536 squares, in f64, can have taken off.
fn round_up(norm: f64) -> f64 {
    norm * (1.0 + 1e-10)
}

/// Approximations of logits and how far off each can be:
/// `residuals[r] · per_residual + norms[r] · per_norm + slack`.
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
    #[allow(missing_docs)]
    pub per_residual: f32,
    #[allow(missing_docs)]
    pub per_norm: f32,
    #[allow(missing_docs)]
    pub slack: f32,
}

/// Rows that are looked at together: without early exit, so that the loops are vectorised.
const TOGETHER: usize = 64;

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
    pub(super) fn assert_fits(&self, rows: &[u32]) {
        let n = self.approximations.len();
        assert!(self.residuals.len() == n && self.norms.len() == n && rows.len() == n);
    }

    /// Whether the logit of the `r`-th row may be `least` or more.
    #[inline(always)]
    pub(super) fn reaches(&self, r: usize, least: f32) -> bool {
        let bound = self.residuals[r] * self.per_residual + self.norms[r] * self.per_norm;
        self.approximations[r] + (bound + self.slack) >= least
    }
}

/// Index of one of the largest approximations.
#[inline(always)]
pub(crate) fn index_of_largest(approximations: &[f32]) -> usize {
    let (chunks, tail) = approximations.as_chunks::<TOGETHER>();
    let (mut best, mut first) = (f32::NEG_INFINITY, 0);
    for (i, chunk) in chunks.iter().enumerate() {
        let largest = largest_of_chunk(chunk);
        if largest > best {
            (best, first) = (largest, i * TOGETHER);
        }
    }
    for (i, &x) in tail.iter().enumerate() {
        if x > best {
            (best, first) = (x, chunks.len() * TOGETHER + i);
        }
    }
    let rest = &approximations[first..];
    first + rest.iter().position(|&x| x == best).unwrap_or(0)
}

/// Sixteen lanes at once: a float maximum in order would be one long chain.
#[inline(always)]
fn largest_of_chunk(x: &[f32; TOGETHER]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    for x in x.as_chunks::<16>().0 {
        for (lane, &x) in lanes.iter_mut().zip(x) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes
        .iter()
        .fold(lanes[0], |m, &x| if x > m { x } else { m })
}
