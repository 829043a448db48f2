//! Products with the low-bit copy of an output matrix.

use engine_native::{Bound, Bounded, Kernels, Recorder, RefineRows, ScreenActivations, ScreenRows};

use crate::{
    compare::{Mismatch, Output, compare},
    inputs::{LENGTHS, Regime, SHIFTS, floats, next, random},
    shifted,
};

/// Numbers of rows around the four that are computed together.
const ROWS: std::ops::RangeInclusive<usize> = 1..=9;
/// Numbers of columns around whole steps of 512, and those of published models.
const COLUMNS: [usize; 8] = [511, 512, 513, 1000, 1024, 1536, 2560, 4096];

/// Random rows of `n_cols` elements: any bytes are valid codes.
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

/// Activations of which both parts have the largest magnitude.
fn extreme_activations(n_cols: usize) -> impl Iterator<Item = ScreenActivations> {
    let parts = [(127, 127), (-127, -128), (127, -128), (-127, 127)];
    parts.into_iter().map(move |(high, low)| ScreenActivations {
        high: vec![high; n_cols],
        low: vec![low; n_cols],
        len: n_cols,
        scale: 0.5,
        sums: [high, low].map(|part| i32::from(part) * n_cols as i32),
    })
}

/// The largest sums: the longest rows, with all codes the largest or the smallest.
pub fn output_screen_of_extremes(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_cols in [512, 2560, 1 << 16] {
        for byte in [0x00, 0xff] {
            for x in extreme_activations(n_cols) {
                let rows = Rows {
                    packed: vec![byte; ScreenRows::bytes(5, n_cols)],
                    scales: vec![0.25; 5],
                    n_cols,
                };
                let what = format!("output_screen of {n_cols} times {byte:#x}, {:?}", x.sums);
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

/// Refines `of_rows`, which may contain a row more than once. `rows.packed` holds refining bits.
fn output_refine<'a>(
    rows: &'a Rows,
    of_rows: &'a [u32],
    x: &'a ScreenActivations,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output + 'a {
    move |kernels, recorder| {
        let packed = shifted::bytes(&rows.packed, shift);
        let scales = shifted::floats(&rows.scales, shift + 1);
        let mut approximations = shifted::output(of_rows.len(), shift + 3);
        approximations.fill(0.75);
        let refine = RefineRows {
            packed: &packed,
            scales: &scales,
            n_cols: rows.n_cols,
        };
        kernels.output_refine(refine, of_rows, x, &mut approximations, recorder);
        Ok(approximations.bits())
    }
}

impl Rows {
    fn refinements(n_rows: usize, n_cols: usize, seed: u64) -> Self {
        let mut rows = Self::random(n_rows, n_cols, seed);
        rows.packed.truncate(n_rows * RefineRows::row_bytes(n_cols));
        rows
    }
}

pub fn output_refine_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_cols in LENGTHS.chain(COLUMNS) {
        let x = screened(&floats(Regime::Ordinary, n_cols, 2));
        let rows = Rows::refinements(9, n_cols, 3);
        for of_rows in [&[][..], &[8], &[0, 1], &[2, 5, 6, 8], &[7, 0, 7, 3, 4, 1]] {
            for shift in SHIFTS {
                let what = format!("output_refine of {of_rows:?}, {n_cols} columns, at {shift}");
                compare(candidate, what, output_refine(&rows, of_rows, &x, shift))?;
            }
        }
    }
    Ok(())
}

/// The largest sums, as in [`output_screen_of_extremes`].
pub fn output_refine_of_extremes(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_cols in [512, 2560, 1 << 16] {
        for byte in [0x00, 0xff] {
            for x in extreme_activations(n_cols) {
                let rows = Rows {
                    packed: vec![byte; 2 * RefineRows::row_bytes(n_cols)],
                    scales: vec![0.25; 2],
                    n_cols,
                };
                let what = format!("output_refine of {n_cols} times {byte:#x}, {:?}", x.sums);
                compare(candidate, what, output_refine(&rows, &[0, 1], &x, 1))?;
            }
        }
    }
    Ok(())
}

pub fn output_refine_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (1100, 9), |candidate, draw| {
        let x: Vec<f32> = draw.floats(draw.n, 0);
        let finite = |x: &f32| if x.is_finite() { *x } else { 0.0 };
        let x = screened(&x.iter().map(finite).collect::<Vec<_>>());
        let rows = Rows::refinements(draw.m, draw.n, draw.seed);
        let of_rows: Vec<u32> = (0..draw.m as u32).rev().collect();
        let case = output_refine(&rows, &of_rows, &x, draw.shift);
        compare(candidate, "output_refine", case)
    })
}

/// The row of the largest approximation, then all rows that reach `least`.
fn reaching(
    approximations: &[f32],
    least: f32,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, _| {
        let approximations = shifted::floats(approximations, shift);
        let residuals = shifted::floats(&vec![0.5; approximations.len()], shift + 1);
        let norms = shifted::floats(&vec![0.25; approximations.len()], shift + 2);
        let bounded = Bounded {
            first: 1000,
            approximations: &approximations,
            residuals: &residuals,
            norms: &norms,
            bound: Bound {
                per_residual: 1.0,
                per_norm: 2.0,
                slack: 0.0,
            },
        };
        let mut found = vec![kernels.largest(&approximations) as u32];
        let mut rows = vec![7; approximations.len()];
        let n_rows = kernels.reaching(bounded, least, &mut rows);
        found.extend(&rows[..n_rows]);
        Ok(found)
    }
}

/// Every position of the largest and of one that just reaches it, around the chunk sizes.
pub fn reaching_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n in (1..=67).chain([127, 128, 129, 200]) {
        for at in 0..n {
            let mut approximations = vec![-3.0; n];
            approximations[n - 1 - at] = 6.0;
            approximations[at] = 7.0;
            let what = format!("the best of {n} at {at}");
            compare(candidate, &what, reaching(&approximations, 7.0, at % 8))?;
        }
        let equals = vec![1.0; n];
        let case = reaching(&equals, 2.0, 1);
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
        let case = reaching(&approximations, least, draw.shift);
        compare(candidate, "rows that reach a logit", case)
    })
}
