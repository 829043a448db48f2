//! BitLinear: activation quantization, ternary GEMV and ternary GEMM.

use std::panic::{AssertUnwindSafe, catch_unwind};

use engine_native::{
    GemmBatch, GemmScratch, Kernels, Ledger, Op, QuantizedActivations, Recorder, RowLayout, Scalar,
    TernaryRows, available_kernels,
};

use crate::{
    compare::{Mismatch, Output, compare},
    inputs::{LENGTHS, Regime, SHIFTS, activations, floats, next, quantized, random, ternary},
    shifted::{self, Shifted},
};

/// Numbers of blocks of 128 around the limits of the i16 sums (8 blocks for GEMV, 2 for GEMM), and
/// of a real row.
const BLOCKS: [usize; 10] = [1, 2, 7, 8, 9, 15, 16, 17, 33, 54];
/// Numbers of rows around the four that GEMV computes together.
const ROWS: std::ops::RangeInclusive<usize> = 1..=9;
/// Numbers of positions around the block sizes 6, 12 and 32, and of several blocks.
const POSITIONS: [usize; 17] = [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 15, 16, 17, 25, 31, 33, 49];
/// The largest number of positions.
const MOST_POSITIONS: usize = 49;
/// Numbers of rows around panels of 16, and around strips and tiles.
const GEMM_ROWS: [usize; 14] = [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 64, 129, 145];
/// Scale of every weight matrix: not a power of two, so that products round.
const SCALE: f32 = 0.017_3;

fn quantize(x: &[f32], shift: usize) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let mut out = QuantizedActivations::with_len(x.len());
        kernels.quantize(&shifted::floats(x, shift), &mut out, recorder)?;
        let scale_and_sum = [out.scale.to_bits(), out.sum.cast_unsigned()];
        let values = out.values.iter().map(|&q| i32::from(q).cast_unsigned());
        Ok(values.chain(scale_and_sum).collect())
    }
}

fn gemv(
    packed: &[u8],
    activations: &QuantizedActivations,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let packed = shifted::bytes(packed, shift);
        let rows = rows(&packed, activations.len);
        let mut out = shifted::output(packed.len() / rows.row_bytes(), shift + 3);
        kernels.ternary_gemv(rows, activations, &mut out, recorder);
        Ok(out.bits())
    }
}

fn gemm(
    packed: &[u8],
    activations: &[&QuantizedActivations],
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    // Room for fewer positions than the batch has, so that it is computed in parts.
    let room = activations.len().div_ceil(2);
    gemm_with_room(packed, activations, shift, room)
}

fn gemm_with_room(
    packed: &[u8],
    activations: &[&QuantizedActivations],
    shift: usize,
    room: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let packed = shifted::bytes(packed, shift);
        let rows = rows(&packed, activations[0].len);
        let n_rows = packed.len() / rows.row_bytes();
        let mut batch = Batch {
            activations,
            outs: (0..activations.len())
                .map(|p| shifted::output(n_rows, shift + p))
                .collect(),
        };
        let mut scratch = GemmScratch::new(rows.n_cols, room);
        kernels.ternary_gemm(rows, &mut batch, &mut scratch, recorder);
        Ok(batch.outs.iter().flat_map(|out| out.bits()).collect())
    }
}

struct Batch<'a> {
    activations: &'a [&'a QuantizedActivations],
    outs: Vec<Shifted<f32>>,
}

impl GemmBatch for Batch<'_> {
    fn n_positions(&self) -> usize {
        self.outs.len()
    }

    fn position(&mut self, i: usize) -> (&QuantizedActivations, &mut [f32]) {
        (self.activations[i], &mut self.outs[i])
    }
}

fn rows(packed: &[u8], n_cols: usize) -> TernaryRows<'_> {
    TernaryRows {
        layout: RowLayout::Rows,
        n_rows: packed.len() / RowLayout::Rows.row_bytes(n_cols),
        packed,
        n_cols,
        scale: SCALE,
    }
}

pub fn quantize_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n in LENGTHS.chain([640, 2560]) {
        for shift in SHIFTS {
            let mut x = floats(Regime::Ordinary, n, 1);
            let what = format!("quantize of {n} at {shift}");
            compare(candidate, &what, quantize(&x, shift))?;
            // Each element once a NaN with a payload, once an infinity, once the largest value.
            for bad in [0xffa0_0001, 0x7f80_0000, 0x7f7f_ffff].map(f32::from_bits) {
                let at = (n * 31 + shift * 17) % n;
                let good = std::mem::replace(&mut x[at], bad);
                compare(candidate, &what, quantize(&x, shift))?;
                x[at] = good;
            }
        }
        let small = vec![-3e-6; n];
        compare(candidate, "quantize below 1e-5", quantize(&small, 0))?;
    }
    Ok(())
}

pub fn quantize_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (300, 1), |candidate, draw| {
        let x = draw.floats(draw.n, 0);
        compare(candidate, "quantize", quantize(&x, draw.shift))
    })
}

/// With an absmax of 127 the scale is 1, so that halves are ties.
pub fn quantize_of_ties(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    let halves = (-254..=254).map(|twice| twice as f32 / 2.0);
    let x: Vec<f32> = halves.collect();
    compare(candidate, "quantize of halves", quantize(&x, 0))
}

pub fn ternary_gemv_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_blocks in BLOCKS {
        let x = activations(n_blocks * 128, 1);
        for n_rows in ROWS {
            let packed = ternary(n_rows * n_blocks, 2);
            for shift in SHIFTS {
                let what = format!("ternary_gemv of {n_rows} rows, {n_blocks} blocks at {shift}");
                compare(candidate, what, gemv(&packed, &x, shift))?;
            }
        }
    }
    Ok(())
}

/// Rows that do not fill their last block: the padding must not count.
pub fn ternary_products_of_padded_rows(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n in [1, 2, 31, 33, 127, 129, 200, 864, 1000] {
        let x = [activations(n, 1), activations(n, 2), activations(n, 3)];
        let packed = ternary(7 * n.div_ceil(128), 2);
        for shift in SHIFTS {
            let what = format!("ternary products of 7 rows of {n} at {shift}");
            compare(candidate, &what, gemv(&packed, &x[0], shift))?;
            let several: Vec<_> = x.iter().collect();
            compare(candidate, &what, gemm(&packed, &several, shift))?;
        }
    }
    Ok(())
}

/// All weights −1, 0 or +1, with activations that are all ±127 or alternate: the largest sums in
/// 16-bit lanes.
fn extremes() -> impl Iterator<Item = (usize, u8, QuantizedActivations)> {
    let patterns: [fn(usize) -> i8; 4] = [
        |_| 127,
        |_| -127,
        |i| if i % 2 == 0 { 127 } else { -127 },
        |i| if i / 128 % 2 == 0 { 127 } else { -127 },
    ];
    let activations = |n, pattern: fn(usize) -> i8| quantized((0..n).map(pattern).collect());
    let codes = [0b00_00_00_00, 0b01_01_01_01, 0b10_10_10_10, 0b10_00_10_00];
    BLOCKS.into_iter().flat_map(move |n_blocks| {
        codes.into_iter().flat_map(move |code| {
            patterns.map(|pattern| (n_blocks, code, activations(n_blocks * 128, pattern)))
        })
    })
}

pub fn ternary_gemv_of_extreme_weights(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (n_blocks, code, x) in extremes() {
        // Five rows: four that are computed together, and one more.
        let packed = vec![code; 5 * n_blocks * 32];
        let what = format!("ternary_gemv of {n_blocks} blocks of {code:#010b}");
        compare(candidate, what, gemv(&packed, &x, 1))?;
    }
    Ok(())
}

pub fn ternary_gemv_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (20, 9), |candidate, draw| {
        let packed = ternary(draw.n * draw.m, draw.seed);
        let x = activations(draw.n * 128, !draw.seed);
        compare(candidate, "ternary_gemv", gemv(&packed, &x, draw.shift))
    })
}

pub fn ternary_gemm_of_every_shape(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_rows in GEMM_ROWS {
        for n in POSITIONS {
            let shift = (n_rows + n) % SHIFTS.end;
            check_gemm(candidate, (n_rows, 1, n), shift)?;
            check_gemm(candidate, (n_rows, 2, n), shift ^ 1)?;
        }
    }
    for n_blocks in BLOCKS {
        for (n_rows, n) in [(5, 1), (33, 7), (18, 19)] {
            check_gemm(candidate, (n_rows, n_blocks, n), n_blocks % SHIFTS.end)?;
        }
    }
    Ok(())
}

fn check_gemm(
    candidate: &dyn Kernels,
    (n_rows, n_blocks, n): (usize, usize, usize),
    shift: usize,
) -> Result<(), Mismatch> {
    let packed = ternary(n_rows * n_blocks, 2);
    let x = positions(n, n_blocks, 1);
    let x: Vec<_> = x.iter().collect();
    let what = format!("ternary_gemm of {n_rows} rows, {n_blocks} blocks, {n} wide at {shift}");
    compare(candidate, &what, gemm(&packed, &x, shift))
}

/// Different activations for each of `n` positions.
fn positions(n: usize, n_blocks: usize, seed: u64) -> Vec<QuantizedActivations> {
    let mut positions: Vec<_> = (0..n as u64)
        .map(|p| activations(n_blocks * 128, seed.wrapping_add(p)))
        .collect();
    for (p, position) in positions.iter_mut().enumerate() {
        position.scale *= 1.0 + 0.3 * p as f32;
    }
    positions
}

/// A few positions, with scratch memory for all, for 16 and for 32 of them.
pub fn ternary_gemm_in_parts(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    let packed = ternary(21 * 3, 5);
    let x = positions(MOST_POSITIONS, 3, 6);
    let x: Vec<_> = x.iter().collect();
    for room in [1, 16, 17, MOST_POSITIONS, 100] {
        let what = format!("ternary_gemm with room for {room}");
        compare(candidate, what, gemm_with_room(&packed, &x, 1, room))?;
    }
    Ok(())
}

pub fn ternary_gemm_of_extreme_weights(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (n_blocks, code, x) in extremes() {
        let packed = vec![code; 2 * n_blocks * 32];
        let what = format!("ternary_gemm of {n_blocks} blocks of {code:#010b}");
        let negated = quantized(x.quantized().iter().map(|q| -q).collect());
        let x = [&x, &negated, &x, &negated, &negated, &x];
        for n in 1..=x.len() {
            compare(candidate, &what, gemm(&packed, &x[..n], 1))?;
        }
    }
    Ok(())
}

pub fn ternary_gemm_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (9, 40), |candidate, draw| {
        let n = 1 + (draw.seed >> 40) as usize % 20;
        let packed = ternary(draw.n * draw.m, draw.seed);
        let x = positions(n, draw.n, !draw.seed);
        let x: Vec<_> = x.iter().collect();
        compare(candidate, "ternary_gemm", gemm(&packed, &x, draw.shift))
    })
}

/// GEMM gives every position the result of GEMV.
pub fn ternary_gemm_equals_scalar_gemv(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for n_blocks in BLOCKS {
        let packed = ternary(7 * n_blocks, 3);
        let x = positions(14, n_blocks, 4);
        let x: Vec<_> = x.iter().collect();
        for n in [1, 2, 6, 7, 14] {
            let mut ledger = Ledger::default();
            let together = gemm(&packed, &x[..n], 0)(candidate, ledger.op(Op::AttnQ));
            let alone = x[..n].iter();
            let alone: Result<Vec<_>, _> = alone
                .map(|x| gemv(&packed, x, 0)(&Scalar, ledger.op(Op::AttnQ)))
                .collect();
            if together != alone.map(|outs| outs.concat()) {
                let text = format!("{n} positions differ from each alone, {n_blocks} blocks");
                return Err(Mismatch(text));
            }
        }
    }
    Ok(())
}

/// The kernels of every ISA take rows one after another and refuse interleaved ones: a caller that
/// confuses them fails on any CPU.
#[test]
fn ternary_gemm_refuses_interleaved_rows() {
    let x = activations(256, 5);
    for kernels in available_kernels() {
        for layout in LAYOUTS {
            let packed = vec![0x55; layout.bytes(4, 256)];
            let rows = TernaryRows {
                layout,
                n_rows: 4,
                ..rows(&packed, 256)
            };
            let computed = catch_unwind(AssertUnwindSafe(|| {
                let mut batch = Batch {
                    activations: &[&x],
                    outs: vec![shifted::output(4, 0)],
                };
                let recorder = &mut Ledger::default();
                let mut scratch = GemmScratch::new(256, 1);
                kernels.ternary_gemm(rows, &mut batch, &mut scratch, recorder.op(Op::AttnQ));
            }));
            let what = format!("{layout:?}, {}", kernels.isa().as_str());
            assert_eq!(computed.is_ok(), layout == RowLayout::Rows, "{what}");
        }
    }
}

/// Every row layout, with shapes that fill neither groups nor blocks.
pub fn ternary_gemv_of_every_arrangement(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for layout in LAYOUTS {
        for n_cols in [1, 63, 64, 127, 128, 191, 192, 193, 256, 257, 640, 769, 2560] {
            let x = activations(n_cols, 5);
            for n_rows in [1, 3, 4, 5, 8, 11] {
                let codes = codes(n_rows * n_cols, (n_rows * n_cols) as u64);
                let packed = arranged(layout, &codes, n_cols);
                let rows = TernaryRows {
                    layout,
                    packed: &packed,
                    n_rows,
                    n_cols,
                    scale: SCALE,
                };
                let what = format!("ternary_gemv of {n_rows} rows of {n_cols} in {layout:?}");
                compare(candidate, &what, gemv_of(rows, &x))?;
                expect_products(candidate, &what, rows, &codes, &x)?;
            }
        }
    }
    Ok(())
}

/// The largest sums in the lanes of each row layout.
pub fn ternary_gemv_of_extremes_in_every_arrangement(
    candidate: &dyn Kernels,
) -> Result<(), Mismatch> {
    for layout in LAYOUTS {
        for (code, q) in [(0, 127), (2, 127), (2, -127)] {
            let n_cols = 14_336;
            let x = quantized(vec![q; n_cols]);
            let codes = vec![code; 4 * n_cols];
            let packed = arranged(layout, &codes, n_cols);
            let rows = TernaryRows {
                layout,
                packed: &packed,
                n_rows: 4,
                n_cols,
                scale: SCALE,
            };
            let what = format!("ternary_gemv of codes {code} times {q} in {layout:?}");
            expect_products(candidate, &what, rows, &codes, &x)?;
        }
    }
    Ok(())
}

const LAYOUTS: [RowLayout; 4] = [
    RowLayout::Rows,
    RowLayout::Groups128,
    RowLayout::Groups256,
    RowLayout::Triples384,
];

fn gemv_of(
    rows: TernaryRows,
    x: &QuantizedActivations,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let mut out = vec![f32::NAN; rows.n_rows];
        kernels.ternary_gemv(rows, x, &mut out, recorder);
        Ok(out.iter().map(|y| y.to_bits()).collect())
    }
}

/// Compares with sums over the unpacked codes.
fn expect_products(
    candidate: &dyn Kernels,
    what: &str,
    rows: TernaryRows,
    codes: &[u8],
    x: &QuantizedActivations,
) -> Result<(), Mismatch> {
    let expected = codes.chunks_exact(rows.n_cols).map(|codes| {
        let weights = codes.iter().map(|&code| i32::from(code) - 1);
        let acc: i32 = weights.zip(&x.values).map(|(w, &q)| w * i32::from(q)).sum();
        (acc as f32 * (rows.scale * x.scale)).to_bits()
    });
    let mut ledger = Ledger::default();
    match gemv_of(rows, x)(candidate, ledger.op(Op::AttnQ)) {
        Ok(found) if found.iter().copied().eq(expected) => Ok(()),
        _ => Err(Mismatch(format!("{what}: not the sum over the weights"))),
    }
}

fn codes(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..n).map(|_| (next(&mut state) % 3) as u8).collect()
}

/// Packs rows of codes in a layout, straight from its definition.
fn arranged(layout: RowLayout, codes: &[u8], n_cols: usize) -> Vec<u8> {
    let n_rows = codes.len() / n_cols;
    let code = |row: usize, col: usize| match row < n_rows && col < n_cols {
        true => codes[row * n_cols + col],
        false => 1,
    };
    let (group, len) = (layout.group_rows(), layout.block_len());
    let mut out = Vec::new();
    for first in (0..n_rows).step_by(group) {
        for start in (0..n_cols).step_by(len) {
            let blocks = (first..first + group)
                .map(|row| (start..start + len).map(|col| code(row, col)).collect());
            match layout {
                RowLayout::Triples384 => push_triples(&blocks.collect::<Vec<_>>(), &mut out),
                _ => blocks.for_each(|block: Vec<u8>| push_fields(&block, &mut out)),
            }
        }
    }
    out
}

fn push_fields(block: &[u8], out: &mut Vec<u8>) {
    let n = block.len() / 4;
    for k in 0..n {
        let field = |i: usize| block[k + n * i] << (6 - 2 * i);
        out.push(field(0) | field(1) | field(2) | field(3));
    }
}

fn push_triples(blocks: &[Vec<u8>], out: &mut Vec<u8>) {
    let field = |row: usize, k: usize| {
        let codes = &blocks[row][k / 64 * 192 + k % 64..];
        9 * codes[0] + 3 * codes[64] + codes[128]
    };
    for k in 0..64 {
        let fields = (0..8).map(|i| field(i / 2, i % 2 * 64 + k));
        out.push(fields.rev().fold(0, |byte, field| byte << 1 | field >> 4));
    }
    for row in 0..4 {
        for k in 0..64 {
            out.push(((field(row, k + 64) % 16) << 4) | (field(row, k) % 16));
        }
    }
}
