//! Products with the low-bit copy of an output matrix.

use engine_native::{Kernels, Recorder, ScreenActivations, ScreenRows};

use crate::{
    compare::{Mismatch, Output, compare},
    inputs::{LENGTHS, Regime, SHIFTS, floats, next, random},
    shifted,
};

/// Rows around the four that are computed together.
const ROWS: std::ops::RangeInclusive<usize> = 1..=9;
/// Columns around whole steps of 512, and those of published models.
const COLUMNS: [usize; 8] = [511, 512, 513, 1000, 1024, 1536, 2560, 4096];

/// Rows of `n_cols`: any bytes are codes.
struct Rows {
    packed: Vec<u8>,
    scales: Vec<f32>,
    n_cols: usize,
}

impl Rows {
    fn random(n_rows: usize, n_cols: usize, seed: u64) -> Self {
        let mut state = seed;
        let mut byte = |_| next(&mut state) as u8;
        Self {
            packed: (0..n_rows * ScreenRows::row_bytes(n_cols))
                .map(&mut byte)
                .collect(),
            scales: floats(Regime::Uneven, n_rows, seed + 1),
            n_cols,
        }
    }
}

fn screened(x: &[f32]) -> ScreenActivations {
    let mut screened = ScreenActivations::with_len(x.len());
    screened.quantize(x);
    screened
}

fn output_screen<'a>(
    rows: &'a Rows,
    x: &'a ScreenActivations,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output + 'a {
    move |kernels, recorder| {
        let packed = shifted::bytes(&rows.packed, shift);
        let scales = shifted::floats(&rows.scales, shift + 1);
        let mut out = shifted::output(rows.scales.len(), shift + 3);
        let rows = ScreenRows {
            packed: &packed,
            scales: &scales,
            n_cols: rows.n_cols,
        };
        kernels.output_screen(rows, x, &mut out, recorder);
        Ok(out.bits())
    }
}

pub fn output_screen_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_cols in LENGTHS.chain(COLUMNS) {
        let x = screened(&floats(Regime::Ordinary, n_cols, 2));
        for n_rows in ROWS {
            let rows = Rows::random(n_rows, n_cols, 3);
            for shift in SHIFTS {
                let what = format!("output_screen of {n_rows}×{n_cols} at {shift}");
                compare(candidate, what, output_screen(&rows, &x, shift))?;
            }
        }
    }
    Ok(())
}

/// The largest sums, of rows of the longest kind: all codes the largest or the smallest, all
/// activations of the largest magnitude, both parts.
pub fn output_screen_of_extremes(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_cols in [512, 2560, 1 << 16] {
        for byte in [0x00, 0xff] {
            for (high, low) in [(127, 127), (-127, -128), (127, -128), (-127, 127)] {
                let x = ScreenActivations {
                    high: vec![high; n_cols],
                    low: vec![low; n_cols],
                    len: n_cols,
                    scale: 0.5,
                    sums: [high, low].map(|part| i32::from(part) * n_cols as i32),
                };
                let rows = Rows {
                    packed: vec![byte; 5 * ScreenRows::row_bytes(n_cols)],
                    scales: vec![0.25; 5],
                    n_cols,
                };
                let what = format!("output_screen of {n_cols} times {byte:#x}, {high} and {low}");
                compare(candidate, what, output_screen(&rows, &x, 1))?;
            }
        }
    }
    Ok(())
}

pub fn output_screen_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (1100, 9), |candidate, draw| {
        let x: Vec<f32> = draw.floats(draw.n, 0);
        let finite: Vec<f32> = x
            .iter()
            .map(|x| if x.is_finite() { *x } else { 0.0 })
            .collect();
        let rows = Rows::random(draw.m, draw.n, draw.seed);
        let x = screened(&finite);
        compare(
            candidate,
            "output_screen",
            output_screen(&rows, &x, draw.shift),
        )
    })
}
