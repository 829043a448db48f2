//! Products with low-bit rows.

use crate::{
    ledger::{Isa, KernelName, Recorder},
    operands::{
        Bounded, RefineRows, SCREEN_OFFSET, SCREEN_ROWS, SCREEN_STEP, ScreenActivations,
        ScreenRows, ScreenStep,
    },
};

/// Size of a chunk without early exit, so that the loops are vectorised.
const TOGETHER: usize = 64;

/// Code `i` of row `r` of a group.
fn code(group: &[ScreenStep], r: usize, i: usize) -> i32 {
    let [lowest, uppers @ ..] = &group[i / SCREEN_STEP][r];
    let (g, lane) = (i % SCREEN_STEP / 64, i % 64);
    let upper = uppers[g / 2][lane] >> (4 * (1 - g % 2)) & 15;
    i32::from(upper << 1 | lowest[lane] >> g & 1)
}

pub fn output_screen(
    rows: ScreenRows,
    x: &ScreenActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    rows.assert_fits(x, out.len());
    for (r, (out, scale)) in out.iter_mut().zip(rows.scales).enumerate() {
        let group = rows.group(r / SCREEN_ROWS);
        let [mut high, mut low] = [0, 0];
        for i in 0..rows.n_cols {
            let value = 2 * code(group, r % SCREEN_ROWS, i) - SCREEN_OFFSET;
            high += value * i32::from(x.high[i]);
            low += value * i32::from(x.low[i]);
        }
        *out = (high as f32 * 256.0 + low as f32) * (scale * x.scale);
    }
    recorder.record(
        KernelName::OutputScreen,
        Isa::Scalar,
        out.len() * rows.n_cols,
    );
}

pub fn output_refine(
    refine: RefineRows,
    rows: &[u32],
    x: &ScreenActivations,
    approximations: &mut [f32],
    recorder: &mut Recorder,
) {
    refine.assert_fits(x, rows, approximations);
    for (&r, approximation) in rows.iter().zip(&mut *approximations) {
        let row = refine.row(r).as_flattened();
        let mut sums = [0, 0];
        for i in 0..refine.n_cols {
            let code = row[i / 256 * 64 + i % 64] >> (6 - 2 * (i % 256 / 64)) & 3;
            sums[0] += 2 * i32::from(code) * i32::from(x.high[i]);
            sums[1] += 2 * i32::from(code) * i32::from(x.low[i]);
        }
        *approximation += refine.correction(r, x, sums);
    }
    let macs = rows.len() * refine.n_cols;
    recorder.record(KernelName::OutputRefine, Isa::Scalar, macs);
}

pub fn reaching(bounded: Bounded, least: f32, rows: &mut [u32]) -> usize {
    bounded.assert_fits(rows);
    let mut n_rows = 0;
    for r in 0..bounded.approximations.len() {
        if bounded.reaches(r, least) {
            rows[n_rows] = bounded.first + r as u32;
            n_rows += 1;
        }
    }
    n_rows
}

/// Index of one of the largest approximations.
#[inline(always)]
pub fn largest(approximations: &[f32]) -> usize {
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

/// In sixteen lanes: a sequential float maximum would be one long dependency chain.
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
