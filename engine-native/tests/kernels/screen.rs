//! Products with the low-bit copy of an output matrix.

use engine_native::{Bounded, Kernels, Recorder, ScreenActivations, ScreenRows};

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
            packed: (0..ScreenRows::bytes(n_rows, n_cols))
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
                    packed: vec![byte; ScreenRows::bytes(5, n_cols)],
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

/// The best of `approximations`, then all that reach `least`; a last element says if they fitted.
fn reaching(
    approximations: &[f32],
    least: f32,
    shift: usize,
    capacity: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, _| {
        let approximations = shifted::floats(approximations, shift);
        let residuals = shifted::floats(&vec![0.5; approximations.len()], shift + 1);
        let norms = shifted::floats(&vec![0.25; approximations.len()], shift + 2);
        let bounded = Bounded {
            approximations: &approximations,
            residuals: &residuals,
            norms: &norms,
            per_residual: 1.0,
            per_norm: 2.0,
            slack: 0.0,
        };
        let mut found = vec![kernels.largest(bounded) as u32];
        let mut rows = Vec::with_capacity(capacity);
        let fitted = kernels.reaching(bounded, least, &mut rows);
        found.extend(rows);
        found.push(fitted.into());
        Ok(found)
    }
}

/// Each place for the best and for one that just reaches it, around the rows that are looked at
/// together.
pub fn reaching_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n in (1..=67).chain([127, 128, 129, 200]) {
        for at in 0..n {
            let mut approximations = vec![-3.0; n];
            approximations[n - 1 - at] = 6.0;
            approximations[at] = 7.0;
            let what = format!("the best of {n} at {at}");
            for capacity in [0, 1, 2, n] {
                let case = reaching(&approximations, 7.0, at % 8, capacity);
                compare(candidate, &what, case)?;
            }
        }
        let equals = vec![1.0; n];
        let case = reaching(&equals, 2.0, 1, n);
        compare(candidate, "the best of equals", case)?;
    }
    Ok(())
}

pub fn reaching_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (400, 4), |candidate, draw| {
        let approximations = draw.floats(draw.n, 0);
        let number = |x: &f32| if x.is_nan() { 0.0 } else { *x };
        let approximations: Vec<f32> = approximations.iter().map(number).collect();
        let least = approximations[draw.seed as usize % draw.n];
        let case = reaching(&approximations, least, draw.shift, draw.n);
        compare(candidate, "rows that reach a logit", case)
    })
}
