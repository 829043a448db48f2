//! Grouped ternary GEMM: unpacking, which the wider ISAs use too, and the multiplication with
//! `maddubs`. The sixteen rows of a panel are two vectors of eight.

use std::arch::x86_64::*;

use super::{
    Avx2,
    gemm::halves,
    grouped::{store_panel, widen_scales},
    lanes::{load, load_bytes},
};
use crate::{
    kernels::grouped_tiles::{GroupedTileKernel, GroupedTilePacking, Panel},
    operands::{
        CodeLine, FloatLine, GroupActivations, PANEL_GROUP_BYTES, PANEL_SCALES_BYTES, four,
        four_of_field,
    },
};

impl GroupedTilePacking for Avx2 {
    fn unpack(&self, codes: &[u8], lines: &mut [CodeLine]) {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe { unpack(codes, lines) }
    }

    fn widen(&self, scales: &[u8], repeat: usize, lines: &mut [FloatLine]) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { widen(scales, repeat, lines) }
    }
}

impl GroupedTileKernel for Avx2 {
    // 2 × 6 integer sums, two vectors of codes, one of activations and a product: 16 registers. The
    // float sums change once in 64 columns and live in memory.
    const BLOCK_POSITIONS: usize = 6;

    fn packing(&self) -> &impl GroupedTilePacking {
        self
    }

    fn multiply(&self, panel: Panel, block: &[GroupActivations], out: &mut [FloatLine]) {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe {
            match out.len() {
                1 => multiply::<1>(panel, block, out),
                2 => multiply::<2>(panel, block, out),
                3 => multiply::<3>(panel, block, out),
                4 => multiply::<4>(panel, block, out),
                5 => multiply::<5>(panel, block, out),
                6 => multiply::<6>(panel, block, out),
                n => unreachable!("a block of {n} positions"),
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn unpack(codes: &[u8], lines: &mut [CodeLine]) {
    let mask = _mm256_set1_epi8(0b11);
    let (groups, _) = codes.as_chunks::<PANEL_GROUP_BYTES>();
    let (unpacked, _) = lines.as_chunks_mut::<16>();
    for (codes, lines) in groups.iter().zip(unpacked) {
        for (half, codes) in codes.as_chunks::<32>().0.iter().enumerate() {
            let (l, h) = (half / 2, half % 2);
            let x = load_bytes(codes);
            let fields = [
                x,
                _mm256_srli_epi16::<2>(x),
                _mm256_srli_epi16::<4>(x),
                _mm256_srli_epi16::<6>(x),
            ];
            for (f, field) in fields.into_iter().enumerate() {
                let (halves, _) = lines[four_of_field(l, f)].0.as_chunks_mut::<32>();
                let codes = _mm256_and_si256(field, mask);
                // SAFETY: the array is 32 writable bytes; the store needs no alignment.
                unsafe { _mm256_storeu_si256(halves[h].as_mut_ptr().cast(), codes) };
            }
        }
    }
}

#[target_feature(enable = "avx2,f16c")]
fn widen(scales: &[u8], repeat: usize, lines: &mut [FloatLine]) {
    let (scales, _) = scales.as_chunks::<PANEL_SCALES_BYTES>();
    for (scales, lines) in scales.iter().zip(lines.chunks_exact_mut(repeat)) {
        let d = widen_scales(scales);
        for line in lines {
            store_panel(&mut line.0, d);
        }
    }
}

/// Multiplies a panel with P positions.
#[target_feature(enable = "avx2")]
fn multiply<const P: usize>(panel: Panel, block: &[GroupActivations], out: &mut [FloatLine]) {
    let ones = _mm256_set1_epi16(1);
    multiply_with::<P>(panel, block, out, |lines, x, half| {
        let mut acc = [[_mm256_setzero_si256(); 2]; P];
        for (j, line) in lines.iter().enumerate() {
            let codes = halves(line);
            for p in 0..P {
                let q = _mm256_set1_epi32(four(&x[p].values, 8 * half + j));
                for h in 0..2 {
                    acc[p][h] = _mm256_add_epi16(acc[p][h], _mm256_maddubs_epi16(codes[h], q));
                }
            }
        }
        std::array::from_fn(|p| {
            let start = _mm256_set1_epi32(x[p].minus_sums[half]);
            acc[p].map(|acc| _mm256_add_epi32(start, _mm256_madd_epi16(acc, ones)))
        })
    });
}

/// [`multiply`] with a function that computes the sums Σ weight·q of the rows in one block of
/// columns with each position.
#[target_feature(enable = "avx2")]
#[inline]
pub fn multiply_with<const P: usize>(
    panel: Panel,
    block: &[GroupActivations],
    out: &mut [FloatLine],
    sums: impl Fn(&[CodeLine; 8], &[GroupActivations; P], usize) -> [[__m256i; 2]; P],
) {
    let (block, _) = block.as_chunks::<P>();
    let (codes, _) = panel.codes.as_chunks::<16>();
    assert!(block.len() == codes.len() && codes.len() == panel.scales.len() && out.len() == P);
    let mut y = [[_mm256_setzero_ps(); 2]; P];
    for ((codes, scales), x) in codes.iter().zip(panel.scales).zip(block) {
        let (codes, _) = codes.as_chunks::<8>();
        let terms = |half: usize| -> [[__m256; 2]; P] {
            let acc = sums(&codes[half], x, half);
            std::array::from_fn(|p| {
                let factor = _mm256_set1_ps(x[p].scales[half]);
                acc[p].map(|acc| _mm256_mul_ps(factor, _mm256_cvtepi32_ps(acc)))
            })
        };
        let (first, second) = (terms(0), terms(1));
        let (d, _) = scales.0.as_chunks::<8>();
        for h in 0..2 {
            let d = load(&d[h]);
            for p in 0..P {
                let t = _mm256_add_ps(first[p][h], second[p][h]);
                y[p][h] = _mm256_add_ps(y[p][h], _mm256_mul_ps(d, t));
            }
        }
    }
    for (out, y) in out.iter_mut().zip(y) {
        store_panel(&mut out.0, y);
    }
}
