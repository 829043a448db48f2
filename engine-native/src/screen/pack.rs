//! From f32 rows to [`ScreenRows`](crate::kernels::ScreenRows). Written so that the compiler
//! vectorises the loops over a row: a user waits meanwhile.

use super::bound::rounded_up;
use crate::kernels::{
    SCREEN_LEVELS, SCREEN_OFFSET, SCREEN_ROWS, SCREEN_STEP, SCREEN_STEP_BYTES, norm_rounded_up,
};

/// Packs rows of one length.
pub(super) struct Packer {
    /// `[n_cols]`, filled up to whole steps.
    codes: Vec<u8>,
    /// `[n_cols]`
    residual: Vec<f32>,
}

/// Adding it rounds an f32 to an integer, which then is in the lowest bits.
const TO_INTEGER: f32 = (1 << 23) as f32;

impl Packer {
    pub(super) fn new(n_cols: usize) -> Self {
        Self {
            codes: vec![0; n_cols.next_multiple_of(SCREEN_STEP)],
            residual: vec![0.0; n_cols],
        }
    }

    /// Writes the copy of row `r` of a group to the `group`'s steps. Returns its scale, and
    /// ‖row − copy‖ rounded up.
    pub(super) fn pack(&mut self, row: &[f32], r: usize, group: &mut [u8]) -> (f32, f32) {
        let absmax = max_magnitude(row);
        let scale = absmax / SCREEN_LEVELS;
        // Any code is sound, what it loses is in the residual: also those that come of rows of
        // zeros, where this is not finite.
        let half_per_scale = 0.5 / scale;
        let offset = SCREEN_OFFSET as f32;
        let each = row.iter().zip(&mut self.codes).zip(&mut self.residual);
        for ((w, code), residual) in each {
            let level = (w * half_per_scale + offset / 2.0).clamp(0.0, offset);
            *code = (level + TO_INTEGER).to_bits() as u8 & 31;
            *residual = w - scale * (2.0 * f32::from(*code) - offset);
        }
        let steps = group.chunks_exact_mut(SCREEN_STEP_BYTES);
        for (codes, step) in self.codes.chunks_exact(SCREEN_STEP).zip(steps) {
            pack_step(codes, r, step);
        }
        // Each element of the copy and of the residual was rounded once.
        let copy = f64::from(scale) * f64::from(SCREEN_OFFSET) * (row.len() as f64).sqrt();
        let unit = f64::from(f32::EPSILON);
        let residual = norm_rounded_up(&self.residual) * (1.0 + unit) + copy * unit;
        (scale, rounded_up(residual + f64::from(f32::MIN_POSITIVE)))
    }
}

/// Codes of row `r` in the arrangement of a [`ScreenStep`](crate::kernels::ScreenStep).
fn pack_step(codes: &[u8], r: usize, step: &mut [u8]) {
    let (groups, _) = codes.as_chunks::<64>();
    let (lines, _) = step.as_chunks_mut::<64>();
    let [lowest, uppers @ ..] = lines.as_chunks_mut::<SCREEN_ROWS>().0 else {
        unreachable!("a step has lines")
    };
    lowest[r] = [0; 64];
    for (g, group) in groups.iter().enumerate() {
        for lane in 0..64 {
            lowest[r][lane] |= (group[lane] & 1) << g;
        }
    }
    for (pair, groups) in groups.as_chunks::<2>().0.iter().enumerate() {
        for lane in 0..64 {
            uppers[pair][r][lane] = (groups[0][lane] >> 1) << 4 | groups[1][lane] >> 1;
        }
    }
}

fn max_magnitude(row: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (chunks, tail) = row.as_chunks::<16>();
    for chunk in chunks {
        for (lane, w) in lanes.iter_mut().zip(chunk) {
            *lane = lane.max(w.abs());
        }
    }
    lanes.iter().chain(tail).fold(0.0, |m, w| m.max(w.abs()))
}
