//! Grouped ternary weights: block quantization, GEMV, GEMM and embedding rows.

use engine_native::{
    GemmBatch, GemmScratch, GroupedRows, Kernels, Ledger, Op, PanelBytes, QuantizedActivations,
    Recorder, Scalar,
};
use half::f16;

use crate::{
    compare::{Mismatch, Output, compare},
    inputs::{Draw, Regime, SHIFTS, floats, next, random, ternary},
    shifted::{self, Shifted},
};

/// Numbers of rows around a panel of 16 and a tile of four.
const ROWS: [usize; 9] = [1, 7, 15, 16, 17, 31, 33, 64, 70];
/// Numbers of positions around the block sizes 4 and 8, and of several blocks.
const POSITIONS: [usize; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 17, 25];
/// Columns, with the length of a group.
const COLS: [(usize, usize); 7] = [
    (64, 64),
    (128, 64),
    (192, 64),
    (128, 128),
    (384, 128),
    (2048, 128),
    (2112, 64),
];

/// A matrix in panels.
struct Matrix {
    codes: Vec<u8>,
    scales: Vec<u8>,
    n_rows: usize,
    n_cols: usize,
    group_len: usize,
}

impl Matrix {
    /// Random codes, and scales of every magnitude, among them 0.
    fn random(n_rows: usize, (n_cols, group_len): (usize, usize), seed: u64) -> Self {
        let bytes = PanelBytes::of(n_rows, n_cols, group_len);
        let mut state = seed;
        let scale = |_| match next(&mut state) {
            z if z.is_multiple_of(17) => f16::ZERO,
            // Finite and not negative.
            z => f16::from_bits((z >> 20) as u16 % f16::INFINITY.to_bits()),
        };
        let scales = (0..bytes.scales / 2).map(scale);
        Self {
            codes: ternary(bytes.codes / 32, !seed),
            scales: scales.flat_map(f16::to_le_bytes).collect(),
            n_rows,
            n_cols,
            group_len,
        }
    }

    fn rows<'a>(&self, codes: &'a [u8], scales: &'a [u8]) -> GroupedRows<'a> {
        GroupedRows {
            codes,
            scales,
            n_rows: self.n_rows,
            n_cols: self.n_cols,
            group_len: self.group_len,
        }
    }
}

fn quantize(x: &[f32], shift: usize) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let mut out = QuantizedActivations::with_len(x.len());
        kernels.quantize_blocks(&shifted::floats(x, shift), &mut out, recorder)?;
        let values = out.values.iter().map(|&q| i32::from(q).cast_unsigned());
        let scales = out.block_scales.iter().map(|scale| scale.to_bits());
        let sums = out.block_sums.iter().map(|sum| sum.cast_unsigned());
        Ok(values.chain(scales).chain(sums).collect())
    }
}

fn gemv(
    matrix: &Matrix,
    x: &QuantizedActivations,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let codes = shifted::bytes(&matrix.codes, shift);
        let scales = shifted::bytes(&matrix.scales, shift);
        let mut out = shifted::output(matrix.n_rows, shift + 3);
        kernels.grouped_gemv(matrix.rows(&codes, &scales), x, &mut out, recorder);
        Ok(out.bits())
    }
}

fn gemm(
    matrix: &Matrix,
    x: &[QuantizedActivations],
    shift: usize,
    room: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let codes = shifted::bytes(&matrix.codes, shift);
        let scales = shifted::bytes(&matrix.scales, shift);
        let outs = (0..x.len()).map(|p| shifted::output(matrix.n_rows, shift + p));
        let mut batch = Batch {
            activations: x,
            outs: outs.collect(),
        };
        let mut scratch = GemmScratch::grouped(matrix.n_cols, room);
        let rows = matrix.rows(&codes, &scales);
        kernels.grouped_gemm(rows, &mut batch, &mut scratch, recorder);
        Ok(batch.outs.iter().flat_map(|out| out.bits()).collect())
    }
}

struct Batch<'a> {
    activations: &'a [QuantizedActivations],
    outs: Vec<Shifted<f32>>,
}

impl GemmBatch for Batch<'_> {
    fn n_positions(&self) -> usize {
        self.outs.len()
    }

    fn position(&mut self, i: usize) -> (&QuantizedActivations, &mut [f32]) {
        (&self.activations[i], &mut self.outs[i])
    }
}

/// Quantized random activations of `n` positions.
fn positions(n: usize, n_cols: usize, regime: Regime, seed: u64) -> Vec<QuantizedActivations> {
    let quantized = |p: usize| {
        let mut x = floats(regime, n_cols, seed.wrapping_add(p as u64));
        // Within the range of a block's scale.
        x.iter_mut().for_each(|x| *x = x.clamp(-8e6, 8e6));
        let mut out = QuantizedActivations::with_len(n_cols);
        let mut ledger = Ledger::default();
        Scalar
            .quantize_blocks(&x, &mut out, ledger.op(Op::AttnQ))
            .map(|()| out)
            .expect("every block has a scale")
    };
    (0..n).map(quantized).collect()
}

pub fn quantize_blocks_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n in (32..=256).step_by(32) {
        for shift in SHIFTS {
            let mut x = floats(Regime::Ordinary, n, 1);
            x[..32].fill(-0.0);
            let what = format!("quantize_blocks of {n} at {shift}");
            compare(candidate, &what, quantize(&x, shift))?;
            // Each block once with a NaN, an infinity, the largest value, and the values next to
            // the limit of a scale.
            let limit = 65_520.0 * 127.0;
            let below = f32::from_bits(f32::to_bits(limit) - 1);
            for bad in [f32::NAN, f32::INFINITY, f32::MAX, -limit, below] {
                let at = (n * 31 + shift * 17) % n;
                let good = std::mem::replace(&mut x[at], bad);
                compare(candidate, &what, quantize(&x, shift))?;
                x[at] = good;
            }
        }
    }
    Ok(())
}

/// Blocks whose elements are halves of the step, and blocks whose scale is a subnormal or 0.
pub fn quantize_blocks_of_ties(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for exponent in -150..24 {
        let step = 2f32.powi(exponent);
        let mut x: Vec<f32> = (0..96).map(|i| (i as f32 - 47.5) * step).collect();
        for first in [0, 32, 64] {
            x[first] = 127.0 * step;
        }
        compare(candidate, format!("ties of 2^{exponent}"), quantize(&x, 1))?;
    }
    Ok(())
}

pub fn quantize_blocks_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (9, 1), |candidate, draw| {
        let x = draw.floats(draw.n * 32, 1);
        compare(candidate, "quantize_blocks", quantize(&x, draw.shift))
    })
}

pub fn grouped_gemv_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_rows in ROWS {
        for cols in COLS {
            let matrix = Matrix::random(n_rows, cols, 3);
            let x = &positions(1, cols.0, Regime::Ordinary, 4)[0];
            for shift in [0, 1, n_rows % SHIFTS.end] {
                let what = format!("grouped_gemv of {n_rows} rows, {cols:?} at {shift}");
                compare(candidate, what, gemv(&matrix, x, shift))?;
            }
        }
    }
    Ok(())
}

/// Sums that reach their limits: every code alike, activations at ±127.
pub fn grouped_products_of_extremes(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    let patterns: [fn(usize) -> f32; 4] = [
        |_| 127.0,
        |_| -127.0,
        |i| if i.is_multiple_of(2) { 127.0 } else { -127.0 },
        |i| {
            if (i / 32).is_multiple_of(2) {
                127.0
            } else {
                -127.0
            }
        },
    ];
    for code in [0b00_00_00_00, 0b01_01_01_01, 0b10_10_10_10, 0b10_00_10_00] {
        let mut matrix = Matrix::random(19, (384, 128), 7);
        matrix.codes.fill(code);
        let x = patterns.map(|pattern| {
            let x: Vec<f32> = (0..384).map(pattern).collect();
            let mut out = QuantizedActivations::with_len(384);
            let mut ledger = Ledger::default();
            let quantized = Scalar.quantize_blocks(&x, &mut out, ledger.op(Op::AttnQ));
            quantized.map(|()| out).expect("all are finite")
        });
        for x in &x {
            compare(
                candidate,
                format!("codes {code:#010b}"),
                gemv(&matrix, x, 1),
            )?;
        }
        compare(
            candidate,
            format!("codes {code:#010b}"),
            gemm(&matrix, &x, 1, 4),
        )?;
    }
    Ok(())
}

/// Two blocks of a group whose scales are equally large, far apart, subnormal F16 numbers or 0.
pub fn grouped_products_of_distant_scales(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    let matrix = Matrix::random(33, (192, 64), 11);
    let exponents = (-21..=12).map(|e| 2f32.powi(e)).chain([0.0]);
    for magnitude in exponents {
        let mut x = floats(Regime::Ordinary, 192, magnitude.to_bits().into());
        let (blocks, _) = x.as_chunks_mut::<32>();
        // Against a block of usual size, first or second, and against its like.
        for b in [0, 3, 4, 5] {
            blocks[b].iter_mut().for_each(|x| *x *= magnitude);
        }
        let mut out = QuantizedActivations::with_len(192);
        let mut ledger = Ledger::default();
        let quantized = Scalar.quantize_blocks(&x, &mut out, ledger.op(Op::AttnQ));
        let x = quantized.map(|()| out).expect("all are finite");
        let what = format!("blocks {magnitude} apart");
        compare(candidate, &what, gemv(&matrix, &x, 1))?;
        compare(candidate, &what, gemm(&matrix, &[x], 1, 1))?;
    }
    Ok(())
}

pub fn grouped_gemv_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (9, 40), |candidate, draw| {
        let (matrix, x) = (drawn(draw), drawn_positions(draw, 1));
        compare(candidate, "grouped_gemv", gemv(&matrix, &x[0], draw.shift))
    })
}

pub fn grouped_gemm_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_rows in ROWS {
        for n in POSITIONS {
            let cols = COLS[(n_rows + n) % COLS.len()];
            let matrix = Matrix::random(n_rows, cols, 5);
            let x = positions(n, cols.0, Regime::Uneven, 6);
            // Room for all, and for fewer, so that the batch is computed in parts.
            for room in [n, n.div_ceil(2)] {
                let what = format!("grouped_gemm of {n_rows} rows, {cols:?}, {n} in {room}");
                compare(candidate, what, gemm(&matrix, &x, n % SHIFTS.end, room))?;
            }
        }
    }
    Ok(())
}

pub fn grouped_gemm_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (9, 40), |candidate, draw| {
        let n = 1 + (draw.seed >> 40) as usize % 20;
        let (matrix, x) = (drawn(draw), drawn_positions(draw, n));
        compare(candidate, "grouped_gemm", gemm(&matrix, &x, draw.shift, n))
    })
}

fn drawn(draw: Draw) -> Matrix {
    let group_len = 64 << (draw.seed & 1);
    Matrix::random(draw.m, (draw.n * group_len, group_len), draw.seed)
}

fn drawn_positions(draw: Draw, n: usize) -> Vec<QuantizedActivations> {
    let regime = match draw.regime {
        // Not finite: such activations have no scales.
        Regime::Special => Regime::Ordinary,
        finite => finite,
    };
    positions(n, draw.n * (64 << (draw.seed & 1)), regime, !draw.seed)
}

/// GEMM gives every position the result of GEMV, and two groups of 64 with one scale that of a
/// group of 128.
pub fn grouped_products_agree(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    let mut ledger = Ledger::default();
    let recorder = ledger.op(Op::AttnQ);
    let matrix = Matrix::random(37, (384, 128), 8);
    let (scales, _) = matrix.scales.as_chunks::<32>();
    let halves = Matrix {
        codes: matrix.codes.clone(),
        scales: scales.iter().flat_map(|s| [*s, *s]).flatten().collect(),
        group_len: 64,
        ..matrix
    };
    let x = positions(9, 384, Regime::Uneven, 9);
    let together = gemm(&halves, &x, 0, 9)(candidate, recorder);
    let alone = x.iter().map(|x| gemv(&matrix, x, 0)(&Scalar, recorder));
    let alone: Result<Vec<_>, _> = alone.collect();
    match together == alone.map(|outs| outs.concat()) {
        true => Ok(()),
        false => Err(Mismatch("the products differ".into())),
    }
}

pub fn grouped_embedding_row_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for cols in COLS {
        let matrix = Matrix::random(35, cols, 10);
        for row in [0, 1, 15, 16, 34] {
            let what = format!("grouped_embedding_row {row} of {cols:?}");
            compare(candidate, what, |kernels, recorder| {
                let codes = shifted::bytes(&matrix.codes, row % SHIFTS.end);
                let scales = shifted::bytes(&matrix.scales, 1);
                let mut out = shifted::output(cols.0, row % SHIFTS.end);
                let rows = matrix.rows(&codes, &scales);
                kernels.grouped_embedding_row(rows, row, &mut out, recorder);
                Ok(out.bits())
            })?;
        }
    }
    Ok(())
}
