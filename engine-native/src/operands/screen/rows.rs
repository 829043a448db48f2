//! Low-bit rows, and the bits that refine them.

use super::{
    ScreenActivations,
    format::{MAX_SCREEN_COLS, SCREEN_ROWS, SCREEN_STEP, SCREEN_STEP_BYTES, ScreenStep},
};

/// Low-bit rows.
#[derive(Debug, Clone, Copy)]
pub struct ScreenRows<'a> {
    /// The packed rows, padded to whole groups.
    pub packed: &'a [u8],
    /// Scale of each row, `[n_rows]`.
    pub scales: &'a [f32],
    /// Elements of a row, without the padding of its last step.
    pub n_cols: usize,
}

impl ScreenRows<'_> {
    /// Bytes of `n_rows` rows of `n_cols` elements.
    pub const fn bytes(n_rows: usize, n_cols: usize) -> usize {
        n_rows.div_ceil(SCREEN_ROWS) * n_cols.div_ceil(SCREEN_STEP) * SCREEN_STEP_BYTES
    }

    /// The `n` rows from `first` on; `first` must start a group.
    ///
    /// # Panics
    /// The range is out of bounds, or `first` is inside a group.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        assert!(first.is_multiple_of(SCREEN_ROWS));
        let start = Self::bytes(first, self.n_cols);
        Self {
            packed: &self.packed[start..start + Self::bytes(n, self.n_cols)],
            scales: &self.scales[first..first + n],
            ..*self
        }
    }

    /// Asserts that the rows fit a product with `x` into `n_outputs` outputs.
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

/// Two more bits per element, which refine low-bit rows: `scales[r] / 4 · (2·code − 3)` is added to
/// the copy of row r.
#[derive(Debug, Clone, Copy)]
pub struct RefineRows<'a> {
    /// The packed rows, of [`RefineRows::row_bytes`] bytes each, in blocks of 256 codes in 64
    /// bytes. Byte k holds the codes k, k + 64, k + 128 and k + 192, from the highest bits down.
    pub packed: &'a [u8],
    /// Scales of the low-bit rows, `[n_rows]`.
    pub scales: &'a [f32],
    /// Elements of a row, without the padding of its last step.
    pub n_cols: usize,
}

impl RefineRows<'_> {
    /// Bytes of one row of `n_cols` elements.
    pub const fn row_bytes(n_cols: usize) -> usize {
        n_cols.next_multiple_of(SCREEN_STEP) / 4
    }

    /// The blocks of row `r`.
    pub(crate) fn row(&self, r: u32) -> &[[u8; 64]] {
        let bytes = Self::row_bytes(self.n_cols);
        self.packed[r as usize * bytes..][..bytes].as_chunks().0
    }

    /// Asserts that `rows` exist, that `x` fits them, and that `out` has an element for each.
    pub(crate) fn assert_fits(&self, x: &ScreenActivations, rows: &[u32], out: &[f32]) {
        assert!(self.n_cols == x.len && self.n_cols <= MAX_SCREEN_COLS);
        let n_rows = self.scales.len();
        assert_eq!(self.packed.len(), n_rows * Self::row_bytes(self.n_cols));
        assert!(rows.len() == out.len() && rows.iter().all(|&r| (r as usize) < n_rows));
    }

    /// The correction of row `r`'s approximation, from the sums Σ 2·code·part for both parts of
    /// `x`.
    pub(crate) fn correction(&self, r: u32, x: &ScreenActivations, sums: [i32; 2]) -> f32 {
        let [high, low] = [0, 1].map(|part| (sums[part] - 3 * x.sums[part]) as f32);
        (high * 256.0 + low) * (self.scales[r as usize] * x.scale * 0.25)
    }
}
