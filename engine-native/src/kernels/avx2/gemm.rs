//! Ternary GEMM: unpacking and scaling, which the wider ISAs use too, and the multiplication with
//! `maddubs`.

use std::arch::x86_64::*;

use super::{
    Avx2,
    lanes::{load_bytes, prefetch, store},
};
use crate::{
    kernels::gemm_tiles::{Block, TileKernel, TilePacking},
    operands::{CodeLine, PANEL_ROWS, SumLine, TernaryRows},
};

/// Prefetch distance of the codes, from L2, in bytes.
const PREFETCH_AHEAD: usize = 2048;

/// A packed block of 128 weights.
type PackedBlock = [u8; 32];

impl TilePacking for Avx2 {
    fn unpack_tile(&self, rows: TernaryRows, codes: &mut [CodeLine]) {
        // A line holds four columns, like a packed byte.
        let lines = rows.row_bytes();
        let n_rows = rows.n_rows;
        for (i, panel) in codes.chunks_exact_mut(lines).enumerate() {
            let first = (i * PANEL_ROWS).min(n_rows - 1);
            let n = PANEL_ROWS.min(n_rows - first);
            // SAFETY: `self` proves that the CPU has AVX2.
            unsafe { unpack_panel(rows.rows(first, n), panel) }
        }
    }

    fn scale_sums(&self, sums: &[SumLine], activation_sum: i32, scale: f32, out: &mut [f32]) {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe { scale_sums(sums, activation_sum, scale, out) }
    }
}

impl TileKernel for Avx2 {
    // For rows of real models a tile fits in the smallest L2 caches.
    const TILE_PANELS: usize = 2;
    const STRIP_PANELS: usize = 1;
    // 2 × 6 accumulators, two vectors of codes, one of activations and a product: 16 registers.
    const BLOCK_POSITIONS: usize = 6;
    const POSITION_UNIT: usize = 1;

    fn packing(&self) -> &impl TilePacking {
        self
    }

    fn multiply(&self, panels: &[CodeLine], block: Block, sums: &mut [SumLine]) {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe {
            match block.n {
                1 => multiply::<1>(panels, block, sums),
                2 => multiply::<2>(panels, block, sums),
                3 => multiply::<3>(panels, block, sums),
                4 => multiply::<4>(panels, block, sums),
                5 => multiply::<5>(panels, block, sums),
                6 => multiply::<6>(panels, block, sums),
                n => unreachable!("a block of {n} positions"),
            }
        }
    }
}

/// Multiplies one panel with P positions.
///
/// Limit of the i16 sums: `maddubs` adds two products of at most 2·127 each, so 64 of its results
/// are at most 64·508 = 32,512 ≤ 32,767. Then they are widened.
#[target_feature(enable = "avx2")]
fn multiply<const P: usize>(panel: &[CodeLine], block: Block, sums: &mut [SumLine]) {
    const LINES_BEFORE_WIDENING: usize = 4;
    let (activations, _) = block.activations.as_chunks::<P>();
    let (codes, _) = panel.as_chunks::<16>();
    assert_eq!(activations.len(), codes.len());
    let zero = _mm256_setzero_si256();
    let mut wide = [[zero; P]; 2];
    let activations = activations.chunks(LINES_BEFORE_WIDENING);
    for (activations, codes) in activations.zip(codes.chunks(LINES_BEFORE_WIDENING)) {
        let mut narrow = [[zero; P]; 2];
        for (activations, codes) in activations.iter().zip(codes) {
            for (j, codes) in codes.iter().enumerate() {
                let codes = halves(codes);
                for p in 0..P {
                    let four = _mm256_set1_epi32(activations[p].four(j));
                    for h in 0..2 {
                        let products = _mm256_maddubs_epi16(codes[h], four);
                        narrow[h][p] = _mm256_add_epi16(narrow[h][p], products);
                    }
                }
            }
        }
        for h in 0..2 {
            for p in 0..P {
                let pairs = _mm256_madd_epi16(narrow[h][p], _mm256_set1_epi16(1));
                wide[h][p] = _mm256_add_epi32(wide[h][p], pairs);
            }
        }
    }
    for p in 0..P {
        store_sums(&mut sums[p * block.sums_stride], [wide[0][p], wide[1][p]]);
    }
}

/// The two halves of a line: rows 0 to 7 and rows 8 to 15.
#[target_feature(enable = "avx2")]
#[inline]
pub fn halves(line: &CodeLine) -> [__m256i; 2] {
    let (halves, _) = line.0.as_chunks::<32>();
    prefetch(&line.0, PREFETCH_AHEAD);
    [load_bytes(&halves[0]), load_bytes(&halves[1])]
}

#[target_feature(enable = "avx2")]
#[inline]
pub fn store_sums(out: &mut SumLine, sums: [__m256i; 2]) {
    let (out, _) = out.0.as_chunks_mut::<8>();
    for (out, sums) in out.iter_mut().zip(sums) {
        // SAFETY: the array is 32 writable bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums) };
    }
}

/// Unpacks up to 16 rows into the lines of a panel.
#[target_feature(enable = "avx2")]
fn unpack_panel(rows: TernaryRows, panel: &mut [CodeLine]) {
    let (blocks, _) = rows.packed.as_chunks::<32>();
    let n_blocks = rows.row_bytes() / 32;
    let last = blocks.len() / n_blocks - 1;
    let row = |r: usize| &blocks[r.min(last) * n_blocks..][..n_blocks];
    let (panel, _) = panel.as_chunks_mut::<32>();
    let panel = &mut panel[..n_blocks];
    let halves: [[_; 8]; 2] = [
        std::array::from_fn(row),
        std::array::from_fn(|i| row(8 + i)),
    ];
    for (b, lines) in panel.iter_mut().enumerate() {
        // Prefetches the lines of the block after next.
        for line in &*lines {
            prefetch(&line.0, 2 * size_of_val(lines));
        }
        for (half, rows) in halves.iter().enumerate() {
            let block = rows.map(|row| &row[b]);
            // Prefetches the rows of the next panel, which follow these.
            for bytes in block {
                prefetch(bytes, PANEL_ROWS * n_blocks * 32);
            }
            unpack_block(block, half, lines);
        }
    }
}

/// Unpacks a block of eight rows into one half of the 32 lines of its columns.
#[target_feature(enable = "avx2")]
#[inline]
fn unpack_block(block: [&PackedBlock; 8], half: usize, lines: &mut [CodeLine; 32]) {
    let mask = _mm256_set1_epi8(0b11);
    for (j, x) in transpose(block).into_iter().enumerate() {
        // Byte k of a block holds the weights k, k + 32, k + 64 and k + 96, from the highest bits
        // down; x holds bytes 4j to 4j + 3.
        let fields = [
            _mm256_srli_epi16(x, 6),
            _mm256_srli_epi16(x, 4),
            _mm256_srli_epi16(x, 2),
            x,
        ];
        for (f, field) in fields.into_iter().enumerate() {
            let (out, _) = lines[8 * f + j].0.as_chunks_mut::<32>();
            let codes = _mm256_and_si256(field, mask);
            // SAFETY: the array is 32 writable bytes; the store needs no alignment.
            unsafe { _mm256_storeu_si256(out[half].as_mut_ptr().cast(), codes) };
        }
    }
}

/// Transposes a block of eight rows: vector j holds bytes 4j to 4j + 3 of each row.
#[target_feature(enable = "avx2")]
#[inline]
fn transpose(rows: [&PackedBlock; 8]) -> [__m256i; 8] {
    let low = transpose_half(rows, 0);
    let high = transpose_half(rows, 1);
    [
        low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3],
    ]
}

/// [`transpose`] for one half of each row: rows 0 to 3 are in the lower 128 bits, 4 to 7 in the
/// upper.
#[target_feature(enable = "avx2")]
#[inline]
fn transpose_half(rows: [&PackedBlock; 8], half: usize) -> [__m256i; 4] {
    let load = |r: usize| {
        let (halves, _) = rows[r].as_chunks::<16>();
        super::lanes::load_half(&halves[half])
    };
    let pair = |r: usize| _mm256_set_m128i(load(r + 4), load(r));
    let [a, b, c, d] = [pair(0), pair(1), pair(2), pair(3)];
    let ab_low = _mm256_unpacklo_epi32(a, b);
    let ab_high = _mm256_unpackhi_epi32(a, b);
    let cd_low = _mm256_unpacklo_epi32(c, d);
    let cd_high = _mm256_unpackhi_epi32(c, d);
    [
        _mm256_unpacklo_epi64(ab_low, cd_low),
        _mm256_unpackhi_epi64(ab_low, cd_low),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}

#[target_feature(enable = "avx2")]
fn scale_sums(sums: &[SumLine], activation_sum: i32, scale: f32, out: &mut [f32]) {
    let subtract = _mm256_set1_epi32(activation_sum);
    let (out16, tail) = out.as_chunks_mut::<PANEL_ROWS>();
    assert!(out16.len() + usize::from(!tail.is_empty()) <= sums.len());
    for (out, sums) in out16.iter_mut().zip(sums) {
        let (out, _) = out.as_chunks_mut::<8>();
        let (sums, _) = sums.0.as_chunks::<8>();
        for (out, sums) in out.iter_mut().zip(sums) {
            // SAFETY: the array is 32 readable bytes; the load needs no alignment.
            let sums = unsafe { _mm256_loadu_si256(sums.as_ptr().cast()) };
            let exact = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, subtract));
            store(out, _mm256_mul_ps(exact, _mm256_set1_ps(scale)));
        }
    }
    if let Some(sums) = sums.get(out16.len()) {
        for (out, sum) in tail.iter_mut().zip(sums.0) {
            *out = (sum - activation_sum) as f32 * scale;
        }
    }
}
