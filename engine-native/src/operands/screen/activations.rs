//! Activations quantized to 16 bits.

use super::{format::SCREEN_STEP, norm::round_up};

/// The largest magnitude, in units of the scale, of which both parts fit in an i8.
const LARGEST: f32 = 32512.0;

/// 16-bit activations in two int8 parts: `x = scale · (256·high + low)`.
#[derive(Debug, Clone, Default)]
pub struct ScreenActivations {
    /// High parts in -127..=127, zero-padded to whole steps.
    pub high: Vec<i8>,
    /// Low parts, padded likewise.
    pub low: Vec<i8>,
    /// Number of activations, without the padding.
    pub len: usize,
    /// The scale.
    pub scale: f32,
    /// Sums of the high and of the low parts. The kernels multiply by codes and correct with them.
    pub sums: [i32; 2],
}

impl ScreenActivations {
    /// Allocates room for `n` activations.
    pub fn with_len(n: usize) -> Self {
        let padded = n.next_multiple_of(SCREEN_STEP);
        Self {
            high: vec![0; padded],
            low: vec![0; padded],
            len: n,
            ..Self::default()
        }
    }

    /// Quantizes `x`, which must be finite. Returns the norm of the rounding error, rounded up.
    pub fn quantize(&mut self, x: &[f32]) -> f64 {
        assert_eq!(x.len(), self.len);
        let absmax = x.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        self.scale = absmax / LARGEST;
        let per_unit = LARGEST / absmax;
        self.sums = [0; 2];
        let mut lost = 0.0;
        for ((x, high), low) in x.iter().zip(&mut self.high).zip(&mut self.low) {
            // If all are zero this is NaN, which is cast to 0.
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
