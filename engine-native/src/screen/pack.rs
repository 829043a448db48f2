//! Packs f32 rows into [`ScreenRows`](crate::operands::ScreenRows). The loops over a row are
//! written for auto-vectorisation, because a user waits for them.

use crate::operands::{
    SCREEN_LEVELS, SCREEN_OFFSET, SCREEN_STEP, SCREEN_STEP_BYTES, norm_rounded_up, rounded_up,
};

/// Packs rows of one length, with buffers that are reused.
pub(super) struct Packer {
    /// Codes of seven bits, five for the screen and two that refine it, `[n_cols]`, padded to whole
    /// steps.
    codes: Vec<u8>,
    /// Differences of a row from its copy without and with the lowest two bits, `[n_cols]`.
    residuals: [Vec<f32>; 2],
}

/// The properties of a packed row.
pub(super) struct Packed {
    pub scale: f32,
    /// ‖row − copy‖ without and with the lowest two bits, rounded up.
    pub residuals: [f32; 2],
}

/// Adding this rounds an f32 to an integer and leaves that in the lowest bits.
const TO_INTEGER: f32 = (1 << 23) as f32;

impl Packer {
    pub(super) fn new(n_cols: usize) -> Self {
        Self {
            codes: vec![0; n_cols.next_multiple_of(SCREEN_STEP)],
            residuals: [vec![0.0; n_cols], vec![0.0; n_cols]],
        }
    }

    /// Packs `row` as row `r` of a group: writes its upper bits to the steps of `group` and its
    /// lowest two bits to `refine`.
    pub(super) fn pack(
        &mut self,
        row: &[f32],
        r: usize,
        group: &mut [u8],
        refine: &mut [u8],
    ) -> Packed {
        let scale = max_magnitude(row) / SCREEN_LEVELS;
        // Infinite for a row of zeros. The codes are then arbitrary, which is sound: residuals are
        // computed from the codes.
        let per_scale = 2.0 / scale;
        let [coarse, fine] = &mut self.residuals;
        let each = row.iter().zip(&mut self.codes).zip(coarse).zip(fine);
        for (((w, code), coarse), fine) in each {
            let level = (w * per_scale + 63.5).clamp(0.0, 127.0);
            *code = (level + TO_INTEGER).to_bits() as u8 & 127;
            let upper = 2.0 * f32::from(*code >> 2) - SCREEN_OFFSET as f32;
            let lower = 0.25 * (2.0 * f32::from(*code & 3) - 3.0);
            *coarse = w - scale * upper;
            *fine = w - scale * (upper + lower);
        }
        let steps = group.chunks_exact_mut(SCREEN_STEP_BYTES);
        for (codes, step) in self.codes.chunks_exact(SCREEN_STEP).zip(steps) {
            pack_step(codes, r, step);
        }
        let (blocks, _) = refine.as_chunks_mut::<64>();
        for (codes, block) in self.codes.as_chunks::<256>().0.iter().zip(blocks) {
            pack_lowest(codes, block);
        }
        Packed {
            scale,
            residuals: [&self.residuals[0], &self.residuals[1]].map(|r| norm_of(r, scale)),
        }
    }
}

/// ‖residual‖, rounded up. Each element of the residual and of the copy was rounded once; the
/// elements of the copy are at most 32 times the scale.
fn norm_of(residual: &[f32], scale: f32) -> f32 {
    let copy = f64::from(scale) * f64::from(SCREEN_LEVELS) * (residual.len() as f64).sqrt();
    let unit = f64::from(f32::EPSILON);
    let norm = norm_rounded_up(residual) * (1.0 + unit) + copy * unit;
    rounded_up(norm + f64::from(f32::MIN_POSITIVE))
}

/// Writes the upper five bits of the codes of row `r` into a
/// [`ScreenStep`](crate::operands::ScreenStep).
fn pack_step(codes: &[u8], r: usize, step: &mut [u8]) {
    let (groups, _) = codes.as_chunks::<64>();
    let rows = step.as_chunks_mut::<64>().0.as_chunks_mut::<5>().0;
    let [lowest, uppers @ ..] = &mut rows[r];
    *lowest = [0; 64];
    for (g, group) in groups.iter().enumerate() {
        for lane in 0..64 {
            lowest[lane] |= (group[lane] >> 2 & 1) << g;
        }
    }
    for (pair, groups) in groups.as_chunks::<2>().0.iter().enumerate() {
        for lane in 0..64 {
            uppers[pair][lane] = (groups[0][lane] >> 3) << 4 | groups[1][lane] >> 3;
        }
    }
}

/// Writes the lowest two bits of codes into a block of [`RefineRows`](crate::operands::RefineRows).
fn pack_lowest(codes: &[u8; 256], block: &mut [u8; 64]) {
    let (groups, _) = codes.as_chunks::<64>();
    for lane in 0..64 {
        let [a, b, c, d] = [0, 1, 2, 3].map(|g: usize| groups[g][lane] & 3);
        block[lane] = a << 6 | b << 4 | c << 2 | d;
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
