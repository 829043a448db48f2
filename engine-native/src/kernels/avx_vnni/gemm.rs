//! Ternary GEMM with `vpdpbusd`, eight rows per vector.

use std::arch::x86_64::*;

use super::AvxVnni;
use crate::{
    kernels::{
        avx2::{halves, store_sums},
        gemm_tiles::{Block, TileKernel, TilePacking},
    },
    operands::{CodeLine, SumLine},
};

impl TileKernel for AvxVnni {
    // For rows of real models a tile fits in the smallest L2 caches.
    const TILE_PANELS: usize = 2;
    const STRIP_PANELS: usize = 1;
    // 2 × 6 accumulators, two vectors of codes and one of activations: 15 of 16 registers.
    const BLOCK_POSITIONS: usize = 6;
    const POSITION_UNIT: usize = 1;

    fn packing(&self) -> &impl TilePacking {
        &self.base
    }

    fn multiply(&self, panels: &[CodeLine], block: Block, sums: &mut [SumLine]) {
        // SAFETY: `self` proves that the CPU has AVX-VNNI and AVX2.
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

/// Multiplies one panel with P positions. `vpdpbusd` adds four products to an i32 without
/// saturation, so rows of up to 2²³ elements do not overflow, as in the scalar kernel.
#[target_feature(enable = "avx2,avxvnni")]
fn multiply<const P: usize>(panel: &[CodeLine], block: Block, sums: &mut [SumLine]) {
    let (activations, _) = block.activations.as_chunks::<P>();
    let (codes, _) = panel.as_chunks::<16>();
    assert_eq!(activations.len(), codes.len());
    let mut acc = [[_mm256_setzero_si256(); P]; 2];
    for (activations, codes) in activations.iter().zip(codes) {
        for (j, codes) in codes.iter().enumerate() {
            let codes = halves(codes);
            for p in 0..P {
                let four = _mm256_set1_epi32(activations[p].four(j));
                for h in 0..2 {
                    acc[h][p] = _mm256_dpbusd_avx_epi32(acc[h][p], codes[h], four);
                }
            }
        }
    }
    for p in 0..P {
        store_sums(&mut sums[p * block.sums_stride], [acc[0][p], acc[1][p]]);
    }
}
