//! The two loops that decide the running time, each beside its plain twin.
//!
//! Both compute exactly what the twin computes: the ternary dot product because it is an integer,
//! the f16 dot product because it keeps every lane's order. The tests compare them bit for bit.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::Result;
use crate::float::{LANES, dot16, tree16};
use crate::half;
use crate::memory::zeroed;
use crate::ternary::{self, BLOCK_BYTES, BLOCK_WEIGHTS};

/// Plain twin of [`ternary_dots`], one row: the sum of `weight * activation`.
pub fn ternary_dot_plain(row: &[u8], q: &[i8]) -> i32 {
    let products = q.iter().enumerate();
    products
        .map(|(i, &q)| ternary::weight(row, i) * i32::from(q))
        .sum()
}

/// Words per block: four 8-byte groups, four 2-bit fields, even and odd bytes.
const BLOCK_WORDS: usize = 32;

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
    /// Sum of the activations: codes are weights + 1, so this much is subtracted per row.
    sum: i32,
}

impl PackedActivations {
    /// Room for rows of up to `n` activations.
    pub fn with_capacity(n: usize) -> Result<Self> {
        Ok(Self {
            words: zeroed("packed activations", n / BLOCK_WEIGHTS)?,
            n_blocks: 0,
            sum: 0,
        })
    }

    /// Arranges `q`, whose length is a multiple of 128 within the capacity, |q| <= 127.
    pub fn pack(&mut self, q: &[i8]) {
        let blocks = q.as_chunks::<BLOCK_WEIGHTS>().0;
        self.n_blocks = blocks.len();
        self.sum = q.iter().map(|&q| i32::from(q)).sum();
        for (words, block) in self.words.iter_mut().zip(blocks) {
            for (i, word) in words.iter_mut().enumerate() {
                *word = pack_word(block, i);
            }
        }
    }

    /// Activations packed.
    pub fn len(&self) -> usize {
        self.n_blocks * BLOCK_WEIGHTS
    }

    /// Whether nothing has been packed.
    pub fn is_empty(&self) -> bool {
        self.n_blocks == 0
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

/// Calls `emit(row, dot product)` for every row of `codes`, which is `[n_rows, x.len() / 4]`.
pub fn ternary_dots(codes: &[u8], x: &PackedActivations, mut emit: impl FnMut(usize, i32)) {
    let row_bytes = x.len() / 4;
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

/// R rows at a time share the loads of the activations.
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

/// The f32 value of every f16 bit pattern.
pub struct HalfTable(Box<[f32; 1 << 16]>);

impl HalfTable {
    /// Tabulates [`half::widen`].
    pub fn new() -> Result<Self> {
        let mut table = zeroed("f16 table", 1 << 16)?;
        for (bits, value) in (0..=u16::MAX).zip(&mut table) {
            *value = half::widen(bits);
        }
        let table = table.into_boxed_slice().try_into();
        Ok(Self(
            table.expect("the table was allocated with 2^16 entries"),
        ))
    }
}

/// Plain twin of [`dot16_half`]: widens the row to `scratch`, then [`dot16`].
pub fn dot16_half_plain(row: &[u8], y: &[f32], scratch: &mut [f32]) -> f32 {
    crate::rows::RowType::F16.decode(row, scratch);
    dot16(scratch, y)
}

/// dot16 of a row of little-endian f16 and y; y's length is a multiple of 16.
pub fn dot16_half(row: &[u8], y: &[f32], table: &HalfTable) -> f32 {
    // Sixteen accumulators at once exceed the registers that a compiler of WebAssembly has;
    // lanes are independent, so two passes over eight of them give the same bits.
    let low = eight_lanes::<0>(row, y, table);
    let high = eight_lanes::<8>(row, y, table);
    let lane = |i: usize| if i < 8 { low[i] } else { high[i - 8] };
    tree16(core::array::from_fn(lane))
}

/// Lanes FIRST to FIRST + 7 of the sixteen.
#[inline(always)]
fn eight_lanes<const FIRST: usize>(row: &[u8], y: &[f32], table: &HalfTable) -> [f32; 8] {
    let mut lanes = [0.0f32; 8];
    let row = row.as_chunks::<{ 2 * LANES }>().0;
    let y = y.as_chunks::<LANES>().0;
    for (halves, y) in row.iter().zip(y) {
        for (i, lane) in lanes.iter_mut().enumerate() {
            let at = FIRST + i;
            let bits = u16::from_le_bytes([halves[2 * at], halves[2 * at + 1]]);
            *lane += table.0[usize::from(bits)] * y[at];
        }
    }
    lanes
}
