//! Low-bit rows, and the bits that refine them.

use super::{
    ScreenActivations,
    format::{MAX_SCREEN_COLS, SCREEN_ROWS, SCREEN_STEP, SCREEN_STEP_BYTES, ScreenStep},
};

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
    pub(crate) fn assert_fits(&self, x: &ScreenActivations, n_outputs: usize) {
        assert!(self.n_cols == x.len && self.n_cols <= MAX_SCREEN_COLS);
        assert_eq!(self.scales.len(), n_outputs);
        assert_eq!(self.packed.len(), Self::bytes(n_outputs, self.n_cols));
    }

    /// The steps of the `i`-th group of rows.
    pub(crate) fn group(&self, i: usize) -> &[ScreenStep] {
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
    pub(crate) fn row(&self, r: u32) -> &[[u8; 64]] {
        let bytes = Self::row_bytes(self.n_cols);
        self.packed[r as usize * bytes..][..bytes].as_chunks().0
    }

    /// Checks that this fits a product with `x` of as many rows as there are `approximations`.
    pub(crate) fn assert_fits(&self, x: &ScreenActivations, rows: &[u32], out: &[f32]) {
        assert!(self.n_cols == x.len && self.n_cols <= MAX_SCREEN_COLS);
        let n_rows = self.scales.len();
        assert_eq!(self.packed.len(), n_rows * Self::row_bytes(self.n_cols));
        assert!(rows.len() == out.len() && rows.iter().all(|&r| (r as usize) < n_rows));
    }

    /// What sums Σ 2·code·part of row `r` add to its approximation.
    pub(crate) fn correction(&self, r: u32, x: &ScreenActivations, sums: [i32; 2]) -> f32 {
        let [high, low] = [0, 1].map(|part| (sums[part] - 3 * x.sums[part]) as f32);
        (high * 256.0 + low) * (self.scales[r as usize] * x.scale * 0.25)
    }
}
