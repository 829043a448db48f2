//! The loops that dominate the running time, each beside its plain twin.
//!
//! Each gives the same bits as its twin: the ternary dot product is an integer, and the float sums
//! keep the order of additions within every lane and every element. The tests compare them.

use alloc::vec::Vec;

use crate::error::Result;
#[cfg(doc)]
use crate::float;
use crate::float::{LANES, tree16};
use crate::memory::zeroed;
use crate::ternary::{self, BLOCK_BYTES, BLOCK_WEIGHTS};

/// Plain twin of [`ternary_dots`], one row: the sum of `weight * activation`.
pub fn ternary_dot_plain(row: &[u8], q: &[i8]) -> i32 {
    let products = q.iter().enumerate();
    products
        .map(|(i, &q)| ternary::weight(row, i) * i32::from(q))
        .sum()
}

/// Words per block: four 8-byte groups times four 2-bit fields times even and odd bytes.
const BLOCK_WORDS: usize = 32;

/// Two-bit fields of a byte. Field f of a packed block has its weights 32f to 32f + 31.
const BLOCK_FIELDS: usize = 4;

/// The two low bits of each 16-bit lane.
const CODE_MASK: u64 = 0x0003_0003_0003_0003;

/// Makes the three low lanes non-negative, so that none of them borrows from the lane above.
///
/// After one block, lane k holds at most 32 * (k + 1) products of magnitude <= 2 * 127: at most
/// 24384 in lane 2, below the 32768 added here, and 32512 in the top lane, which fits an i16.
const LANE_BIAS: u64 = 0x0000_8000_8000_8000;

/// Activations arranged for four products per 64-bit multiplication.
///
/// A word of codes has four 16-bit lanes c0..c3; the matching word here has the activations in
/// reverse, so the top lane of their product is c0*q0 + c1*q1 + c2*q2 + c3*q3.
pub struct PackedActivations {
    /// `[n / 128][BLOCK_WORDS]`.
    words: Vec<[u64; BLOCK_WORDS]>,
    /// Blocks in use.
    n_blocks: usize,
    /// Sum of the activations. Codes are weights + 1, so every row's sum is too large by this much.
    sum: i32,
    /// `[n / 128][4]`: the same for every 32 of them.
    sums: Vec<[i32; BLOCK_FIELDS]>,
}

impl PackedActivations {
    /// Room for rows of up to `n` activations.
    pub fn with_capacity(n: usize) -> Result<Self> {
        Ok(Self {
            words: zeroed("packed activations", n.div_ceil(BLOCK_WEIGHTS))?,
            n_blocks: 0,
            sum: 0,
            sums: zeroed("packed activations", n.div_ceil(BLOCK_WEIGHTS))?,
        })
    }

    /// Arranges `q`, which fits the capacity and has |q| <= 127. Zeros pad the last block.
    pub fn pack(&mut self, q: &[i8]) {
        let (blocks, tail) = q.as_chunks::<BLOCK_WEIGHTS>();
        let mut last = [0; BLOCK_WEIGHTS];
        last[..tail.len()].copy_from_slice(tail);
        let last = (!tail.is_empty()).then_some(&last);
        self.n_blocks = 0;
        self.sum = 0;
        let places = self.words.iter_mut().zip(&mut self.sums);
        for ((words, sums), block) in places.zip(blocks.iter().chain(last)) {
            *words = core::array::from_fn(|i| pack_word(block, i));
            for (sum, field) in sums.iter_mut().zip(block.as_chunks::<BLOCK_BYTES>().0) {
                *sum = field.iter().map(|&q| i32::from(q)).sum();
                self.sum += *sum;
            }
            self.n_blocks += 1;
        }
    }
}

/// Word `i` of a block: 8-byte group i / 8, field i % 8 / 2, byte parity i % 2.
fn pack_word(block: &[i8; BLOCK_WEIGHTS], i: usize) -> u64 {
    let (group, field, parity) = (i / 8, i % 8 / 2, i % 2);
    let first = field * BLOCK_BYTES + group * 8 + parity;
    (0..4).fold(0, |word, lane| {
        let q = i64::from(block[first + 2 * lane]);
        word.wrapping_add_signed(q << (16 * (3 - lane)))
    })
}

/// Calls `emit(row, dot product)` for every packed row of `codes`; each row is as wide as `x`.
pub fn ternary_dots(codes: &[u8], x: &PackedActivations, mut emit: impl FnMut(usize, i32)) {
    let row_bytes = x.n_blocks * BLOCK_BYTES;
    let mut quads = codes.chunks_exact(4 * row_bytes);
    let mut row = 0;
    for quad in &mut quads {
        let rows = core::array::from_fn(|r| &quad[r * row_bytes..][..row_bytes]);
        for dot in rows_dot::<4>(rows, x) {
            emit(row, dot);
            row += 1;
        }
    }
    for single in quads.remainder().chunks_exact(row_bytes) {
        let [dot] = rows_dot([single], x);
        emit(row, dot);
        row += 1;
    }
}

/// Dot products of R rows, which share the loads of the activations.
fn rows_dot<const R: usize>(rows: [&[u8]; R], x: &PackedActivations) -> [i32; R] {
    let rows = rows.map(|row| row.as_chunks::<BLOCK_BYTES>().0);
    let mut sums = [0i32; R];
    for (b, words) in x.words[..x.n_blocks].iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum += block_dot(&row[b], words);
        }
    }
    sums.map(|sum| sum - x.sum)
}

/// Sum of code * activation over one block.
#[inline(always)]
fn block_dot(block: &[u8; BLOCK_BYTES], words: &[u64; BLOCK_WORDS]) -> i32 {
    let mut acc = LANE_BIAS;
    for (bytes, words) in block.as_chunks().0.iter().zip(words.as_chunks::<8>().0) {
        let even = u64::from_le_bytes(*bytes);
        let odd = even >> 8;
        for field in 0..4 {
            let shift = 6 - 2 * field;
            let even_codes = even >> shift & CODE_MASK;
            let odd_codes = odd >> shift & CODE_MASK;
            acc = acc.wrapping_add(even_codes.wrapping_mul(words[2 * field]));
            acc = acc.wrapping_add(odd_codes.wrapping_mul(words[2 * field + 1]));
        }
    }
    (acc.cast_signed() >> 48) as i32
}

/// Plain twin of [`dots_of_32`]: `weight * activation`, summed over columns 32b to 32b + 31 of a row.
pub fn dot_of_32_plain(row: &[u8], q: &[i8], b: usize) -> i32 {
    let columns = (32 * b..q.len()).take(32);
    columns
        .map(|i| ternary::weight(row, i) * i32::from(q[i]))
        .sum()
}

/// For each 128 columns of a packed row as wide as `x`, the dot product of every 32 of them.
pub fn dots_of_32(row: &[u8], x: &PackedActivations) -> impl Iterator<Item = [i32; BLOCK_FIELDS]> {
    let blocks = row.as_chunks::<BLOCK_BYTES>().0.iter();
    blocks
        .zip(&x.words)
        .zip(&x.sums)
        .map(|((block, words), sums)| {
            let dots = field_dots(block, words);
            core::array::from_fn(|field| dots[field] - sums[field])
        })
}

/// Sum of code * activation over each field of a block.
#[inline(always)]
fn field_dots(block: &[u8; BLOCK_BYTES], words: &[u64; BLOCK_WORDS]) -> [i32; BLOCK_FIELDS] {
    // A quarter of a block's products each, so that the lanes have even more room.
    let mut dots = [LANE_BIAS; BLOCK_FIELDS];
    for (bytes, words) in block.as_chunks().0.iter().zip(words.as_chunks::<8>().0) {
        let even = u64::from_le_bytes(*bytes);
        let odd = even >> 8;
        for (field, dot) in dots.iter_mut().enumerate() {
            let shift = 6 - 2 * field;
            let even_codes = even >> shift & CODE_MASK;
            let odd_codes = odd >> shift & CODE_MASK;
            *dot = dot.wrapping_add(even_codes.wrapping_mul(words[2 * field]));
            *dot = dot.wrapping_add(odd_codes.wrapping_mul(words[2 * field + 1]));
        }
    }
    dots.map(|dot| (dot.cast_signed() >> 48) as i32)
}

/// The same as [`float::dot16`], its plain twin, but fast.
pub fn dot16(x: &[f32], y: &[f32]) -> f32 {
    assert_eq!(x.len(), y.len(), "dot16 needs equal lengths");
    let ((xs, x_tail), (ys, y_tail)) = (x.as_chunks(), y.as_chunks());
    // Sixteen accumulators need more registers than a WebAssembly compiler has. Lanes are
    // independent, so two passes over eight lanes each give the same bits.
    let (low, high) = (eight_lanes::<0>(xs, ys), eight_lanes::<8>(xs, ys));
    let mut lanes = core::array::from_fn(|i| if i < 8 { low[i] } else { high[i - 8] });
    for (lane, (a, b)) in lanes.iter_mut().zip(x_tail.iter().zip(y_tail)) {
        *lane += a * b;
    }
    tree16(lanes)
}

/// Lanes FIRST to FIRST + 7 of the sixteen.
#[inline(always)]
fn eight_lanes<const FIRST: usize>(x: &[[f32; LANES]], y: &[[f32; LANES]]) -> [f32; 8] {
    let mut lanes = [0.0f32; 8];
    let mut step = |x: &[f32; LANES], y: &[f32; LANES]| {
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane += x[FIRST + i] * y[FIRST + i];
        }
    };
    // Four steps per iteration: the sandbox counts fuel once per iteration.
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks(), y.as_chunks());
    for ([x0, x1, x2, x3], [y0, y1, y2, y3]) in xs.iter().zip(ys) {
        step(x0, y0);
        step(x1, y1);
        step(x2, y2);
        step(x3, y3);
    }
    for (x, y) in x_rest.iter().zip(y_rest) {
        step(x, y);
    }
    lanes
}

/// Plain twin of [`weighted_sum`].
pub fn weighted_sum_plain(p: &[f32], values: &[f32], stride: usize, out: &mut [f32]) {
    out.fill(0.0);
    for (p, v) in p.iter().zip(values.chunks(stride)) {
        for (out, v) in out.iter_mut().zip(v) {
            *out += p * v;
        }
    }
}

/// `out[i]` = sum of `p[t] * v_t[i]`, from +0, t ascending; `v_t` begins at `values[t * stride]`.
///
/// Eight sums at a time stay in registers over all t.
pub fn weighted_sum(p: &[f32], values: &[f32], stride: usize, out: &mut [f32]) {
    let (blocks, tail) = out.as_chunks_mut::<8>();
    let mut first = 0;
    for block in blocks {
        let mut sums = [0.0f32; 8];
        for (p, v) in p.iter().zip(values.chunks(stride)) {
            for (sum, v) in sums.iter_mut().zip(&v[first..first + 8]) {
                *sum += p * v;
            }
        }
        *block = sums;
        first += 8;
    }
    weighted_sum_plain(p, &values[first..], stride, tail);
}
