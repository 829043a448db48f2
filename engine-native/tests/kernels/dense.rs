//! Embedding rows, the output matrix and the greedy choice.

use engine_native::{DenseRows, DenseType, Kernels, Recorder};

use crate::{
    compare::{Mismatch, Output, compare},
    inputs::{LENGTHS, Regime, SHIFTS, dense, floats, random},
    shifted,
};

/// Numbers of rows around the four that are computed together.
const ROWS: std::ops::RangeInclusive<usize> = 1..=9;
/// Offsets of a row's bytes: every one within a vector of sixteen.
const BYTE_SHIFTS: std::ops::Range<usize> = 0..16;

fn embedding_row(
    dense_type: DenseType,
    row: &[u8],
    n: usize,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let bytes = shifted::bytes(row, shift);
        let mut out = shifted::output(n, shift);
        let row = DenseRows {
            dense_type,
            n_cols: n,
            bytes: &bytes,
        };
        kernels.embedding_row(row, &mut out, recorder);
        Ok(out.bits())
    }
}

fn output_gemv(
    dense_type: DenseType,
    rows: &[u8],
    x: &[f32],
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let bytes = shifted::bytes(rows, shift);
        let x = shifted::floats(x, shift + 1);
        let mut out = shifted::output(bytes.len() / dense_type.row_bytes(x.len()), shift + 3);
        let rows = DenseRows {
            dense_type,
            n_cols: x.len(),
            bytes: &bytes,
        };
        kernels.output_gemv(rows, &x, &mut out, recorder);
        Ok(out.bits())
    }
}

fn argmax(logits: &[f32], shift: usize) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let best = kernels.argmax(&shifted::floats(logits, shift), recorder)?;
        Ok(vec![
            u32::try_from(best).expect("an index of a short vector"),
        ])
    }
}

/// Valid row lengths of a type, from 1 to twice the widest loop.
fn lengths(dense_type: DenseType) -> impl Iterator<Item = usize> {
    LENGTHS
        .chain([96, 128, 160, 200, 256, 512, 768, 2560])
        .filter(move |n| n.is_multiple_of(dense_type.block_len()))
}

pub fn embedding_row_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for dense_type in DenseType::ALL {
        for n in lengths(dense_type) {
            let row = dense(dense_type, n, Regime::Uneven, 1);
            for shift in BYTE_SHIFTS {
                let what = format!("embedding_row of {n} {dense_type:?} at {shift}");
                compare(candidate, what, embedding_row(dense_type, &row, n, shift))?;
            }
        }
    }
    Ok(())
}

/// Every finite F16, as elements of F16 rows and as scales of Q8_0 blocks.
pub fn embedding_row_of_every_half(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    let finite = |bits: &u16| half::f16::from_bits(*bits).is_finite();
    let halves: Vec<[u8; 2]> = (0..=u16::MAX)
        .filter(finite)
        .map(u16::to_le_bytes)
        .collect();
    let (n, row) = (halves.len(), halves.concat());
    let case = embedding_row(DenseType::F16, &row, n, 1);
    compare(candidate, "embedding_row of every F16", case)?;
    let codes: Vec<u8> = (0..32).map(|i| i * 8 + 1).collect();
    let blocks = halves.iter().flat_map(|d| d.iter().chain(&codes).copied());
    let row: Vec<u8> = blocks.collect();
    let case = embedding_row(DenseType::Q8_0, &row, n * 32, 1);
    compare(candidate, "embedding_row of every Q8_0 scale", case)
}

pub fn embedding_row_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (6, DenseType::ALL.len()), |candidate, draw| {
        let dense_type = DenseType::ALL[draw.m - 1];
        let n = (draw.n * 32).next_multiple_of(dense_type.block_len());
        let row = dense(dense_type, n, draw.regime, draw.seed);
        let case = embedding_row(dense_type, &row, n, draw.shift);
        compare(candidate, "embedding_row", case)
    })
}

pub fn output_gemv_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for dense_type in DenseType::ALL {
        for n in lengths(dense_type) {
            let x = floats(Regime::Uneven, n, 2);
            for n_rows in ROWS {
                let rows = dense(dense_type, n_rows * n, Regime::Uneven, 3);
                for shift in SHIFTS {
                    let what = format!("output_gemv of {n_rows}×{n} {dense_type:?} at {shift}");
                    compare(candidate, what, output_gemv(dense_type, &rows, &x, shift))?;
                }
            }
        }
    }
    Ok(())
}

pub fn output_gemv_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (10, 9), |candidate, draw| {
        let dense_type = DenseType::ALL[draw.m % DenseType::ALL.len()];
        let n = (draw.n * 32).next_multiple_of(dense_type.block_len());
        let rows = dense(dense_type, draw.m * n, draw.regime, draw.seed);
        let x = draw.floats(n, 1);
        let case = output_gemv(dense_type, &rows, &x, draw.shift);
        compare(candidate, "output_gemv", case)
    })
}

pub fn argmax_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n in LENGTHS {
        let mut logits = floats(Regime::Ordinary, n, 4);
        for at in 0..n {
            let what = format!("argmax of {n}, largest or bad at {at}");
            for extreme in [9.0, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                let ordinary = std::mem::replace(&mut logits[at], extreme);
                compare(candidate, &what, argmax(&logits, at % 8))?;
                logits[at] = ordinary;
            }
            // Two logits that are not finite: the first must be reported.
            let mut bad = logits.clone();
            (bad[n - 1], bad[at]) = (f32::INFINITY, f32::from_bits(0xffa0_0001));
            compare(candidate, &what, argmax(&bad, at % 8))?;
        }
    }
    Ok(())
}

/// On a tie the lowest index wins, and zeros of both signs are equal.
pub fn argmax_of_ties(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n in LENGTHS {
        for all in [7.5, -7.5, 0.0, -0.0, f32::MIN] {
            compare(candidate, "argmax of equals", argmax(&vec![all; n], 1))?;
        }
        for (first, second) in (0..n).flat_map(|first| (first..n).map(move |s| (first, s))) {
            let mut logits = vec![-1.0; n];
            for (a, b) in [(2.0, 2.0), (0.0, -0.0), (-0.0, 0.0)] {
                (logits[first], logits[second]) = (a, b);
                let what = format!("argmax of {n} with {a} at {first} and {b} at {second}");
                compare(candidate, what, argmax(&logits, 0))?;
            }
        }
    }
    Ok(())
}

pub fn argmax_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (300, 1), |candidate, draw| {
        let mut logits = draw.floats(draw.n, 0);
        // Few distinct values, so that the largest often occurs twice.
        logits.iter_mut().for_each(|x| *x = x.trunc());
        compare(candidate, "argmax", argmax(&logits, draw.shift))
    })
}
