//! Activations as sixteen-bit integers.

use super::{format::SCREEN_STEP, norm::round_up};

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
