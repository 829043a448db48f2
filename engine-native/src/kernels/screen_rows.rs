//! Low-bit copies of rows, for products that only have to be close.
//!
//! A row is `scale · (2·code − 31)`, codes in 0..32: five bits each, no two rows interleaved. See
//! [`crate::screen`] for what they are good for.

/// Codes that lie together. Byte k of the first 256 holds the upper four bits of codes
/// `128·(k / 64) + k % 64` (in its bits 7:4) and the same plus 64 (bits 3:0); bit g of byte
/// 256 + l holds the lowest bit of code `64·g + l`.
pub const SCREEN_STEP: usize = 512;
/// Bytes of [`SCREEN_STEP`] codes.
pub const SCREEN_STEP_BYTES: usize = 320;
/// Half the number of codes: the largest magnitude is worth this many halves of a step.
pub const SCREEN_LEVELS: f32 = 32.0;
/// What is added to `2·code` so that codes are as far below as above zero, negated.
pub const SCREEN_OFFSET: i32 = 31;
/// Columns of the longest rows: beyond, a sum of products could overflow an i32.
pub const MAX_SCREEN_COLS: usize = 1 << 16;

/// Low-bit rows.
#[derive(Debug, Clone, Copy)]
pub struct ScreenRows<'a> {
    /// The rows, [`ScreenRows::row_bytes`] each.
    pub packed: &'a [u8],
    /// Scale of each row, `[n_rows]`.
    pub scales: &'a [f32],
    /// Elements of a row, without what fills up its last step.
    pub n_cols: usize,
}

impl ScreenRows<'_> {
    /// Bytes of one row of `n_cols` elements.
    pub const fn row_bytes(n_cols: usize) -> usize {
        n_cols.div_ceil(SCREEN_STEP) * SCREEN_STEP_BYTES
    }

    /// `n` rows from `first` on.
    pub fn rows(&self, first: usize, n: usize) -> Self {
        let bytes = Self::row_bytes(self.n_cols);
        Self {
            packed: &self.packed[first * bytes..(first + n) * bytes],
            scales: &self.scales[first..first + n],
            ..*self
        }
    }

    /// Checks that this fits a product with `x` into `n_outputs`.
    pub(super) fn assert_fits(&self, x: &ScreenActivations, n_outputs: usize) {
        assert!(self.n_cols == x.len && self.n_cols <= MAX_SCREEN_COLS);
        assert_eq!(self.scales.len(), n_outputs);
        assert_eq!(self.packed.len(), n_outputs * Self::row_bytes(self.n_cols));
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
