//! Ternary GEMM with `vpdpbusd`, sixteen rows per vector.

use std::arch::x86_64::*;

use super::Avx512Vnni;
use crate::{
    kernels::gemm_tiles::{Block, TileKernel, TilePacking},
    operands::{CodeLine, SumLine},
};

/// Prefetch distance of the codes, from L2, in bytes.
const PREFETCH_AHEAD: usize = 2048;

impl TileKernel for Avx512Vnni {
    const TILE_PANELS: usize = 4;
    const STRIP_PANELS: usize = 2;
    // 2 × 12 accumulators, two vectors of codes and one of activations: 27 of 32 registers.
    const BLOCK_POSITIONS: usize = 12;
    const POSITION_UNIT: usize = 1;

    fn packing(&self) -> &impl TilePacking {
        &self.base
    }

    fn multiply(&self, panels: &[CodeLine], block: Block, sums: &mut [SumLine]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F and VNNI.
        unsafe {
            match block.n {
                1 => multiply::<1>(panels, block, sums),
                2 => multiply::<2>(panels, block, sums),
                3 => multiply::<3>(panels, block, sums),
                4 => multiply::<4>(panels, block, sums),
                5 => multiply::<5>(panels, block, sums),
                6 => multiply::<6>(panels, block, sums),
                7 => multiply::<7>(panels, block, sums),
                8 => multiply::<8>(panels, block, sums),
                9 => multiply::<9>(panels, block, sums),
                10 => multiply::<10>(panels, block, sums),
                11 => multiply::<11>(panels, block, sums),
                12 => multiply::<12>(panels, block, sums),
                n => unreachable!("a block of {n} positions"),
            }
        }
    }
}

/// Multiplies two panels with P positions. `vpdpbusd` adds four products to an i32 without
/// saturation, so rows of up to 2²³ elements do not overflow, as in the scalar kernel.
#[target_feature(enable = "avx512f,avx512vnni")]
fn multiply<const P: usize>(panels: &[CodeLine], block: Block, sums: &mut [SumLine]) {
    let (activations, _) = block.activations.as_chunks::<P>();
    let (codes, _) = panels.as_chunks::<16>();
    let (upper, lower) = codes.split_at(codes.len() / 2);
    assert!(activations.len() == upper.len() && upper.len() == lower.len());
    let mut acc = [[_mm512_setzero_si512(); P]; 2];
    for ((activations, upper), lower) in activations.iter().zip(upper).zip(lower) {
        for j in 0..16 {
            let codes = [load(&upper[j]), load(&lower[j])];
            prefetch(&upper[j]);
            prefetch(&lower[j]);
            for p in 0..P {
                let four = _mm512_set1_epi32(activations[p].four(j));
                for s in 0..2 {
                    acc[s][p] = _mm512_dpbusd_epi32(acc[s][p], codes[s], four);
                }
            }
        }
    }
    for p in 0..P {
        let sums = &mut sums[p * block.sums_stride..][..2];
        for s in 0..2 {
            store(&mut sums[s], acc[s][p]);
        }
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(line: &CodeLine) -> __m512i {
    // SAFETY: the line is 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(line.0.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(line: &mut SumLine, sums: __m512i) {
    // SAFETY: the line is 64 writable bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(line.0.as_mut_ptr().cast(), sums) };
}

/// Prefetches a later line of the same panel or of the next.
#[target_feature(enable = "avx512f")]
#[inline]
fn prefetch(line: &CodeLine) {
    _mm_prefetch(
        line.0.as_ptr().wrapping_add(PREFETCH_AHEAD).cast(),
        _MM_HINT_T0,
    );
}
