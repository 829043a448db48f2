//! Grouped ternary products with `vpdpbusd`, eight rows per vector.

use std::arch::x86_64::*;

use super::AvxVnni;
use crate::{
    kernels::{
        avx2::{
            grouped::{PREFETCH_AHEAD, PanelBlock, gemv_with},
            halves, load_bytes, multiply_with, prefetch,
        },
        grouped_tiles::{GroupedTileKernel, GroupedTilePacking, Panel},
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{FloatLine, GROUP_COLS, GroupActivations, GroupedRows, QuantizedActivations, four},
};

#[target_feature(enable = "avx2,f16c,avxvnni")]
pub fn gemv(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    gemv_with(weights, activations, out, |codes, values, from| {
        dot_block(codes, values, from)
    });
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::GroupedGemv, Isa::AvxVnni, macs);
}

/// Σ code·q of a block of 32 columns, for rows 0 to 7 and 8 to 15; `from` is its first place among
/// the fours of `values`. Fields used in place, as 4·code, have a sum of their own, as with AVX2.
#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn dot_block(codes: &PanelBlock, values: &[i8; GROUP_COLS], from: usize) -> [__m256i; 2] {
    let (lines, _) = codes.as_chunks::<64>();
    let [low_field, high_field] = [0b0011, 0b1100].map(|mask| _mm256_set1_epi8(mask));
    let mut plain = [_mm256_setzero_si256(); 2];
    let mut in_place = plain;
    for (l, line) in lines.iter().enumerate() {
        prefetch(line, PREFETCH_AHEAD);
        let (halves, _) = line.as_chunks::<32>();
        let q: [__m256i; 4] =
            std::array::from_fn(|f| _mm256_set1_epi32(four(values, from + 4 * l + f)));
        for h in 0..2 {
            let lower = load_bytes(&halves[h]);
            let upper = _mm256_srli_epi16::<4>(lower);
            let add = |acc, fields, mask, q| {
                _mm256_dpbusd_avx_epi32(acc, _mm256_and_si256(fields, mask), q)
            };
            plain[h] = add(plain[h], lower, low_field, q[0]);
            in_place[h] = add(in_place[h], lower, high_field, q[1]);
            plain[h] = add(plain[h], upper, low_field, q[2]);
            in_place[h] = add(in_place[h], upper, high_field, q[3]);
        }
    }
    // Multiples of four, so the shift is an exact division.
    let sum = |h: usize| _mm256_add_epi32(plain[h], _mm256_srai_epi32::<2>(in_place[h]));
    [sum(0), sum(1)]
}

impl GroupedTileKernel for AvxVnni {
    // Measured: with more positions than three, the float sums leave the registers, which costs more
    // than it saves.
    const BLOCK_POSITIONS: usize = 3;

    fn packing(&self) -> &impl GroupedTilePacking {
        &self.base
    }

    fn multiply(&self, panel: Panel, block: &[GroupActivations], out: &mut [FloatLine]) {
        // SAFETY: `self` proves that the CPU has AVX-VNNI and AVX2.
        unsafe {
            match out.len() {
                1 => multiply::<1>(panel, block, out),
                2 => multiply::<2>(panel, block, out),
                3 => multiply::<3>(panel, block, out),
                n => unreachable!("a block of {n} positions"),
            }
        }
    }
}

/// Multiplies a panel with P positions.
#[target_feature(enable = "avx2,avxvnni")]
fn multiply<const P: usize>(panel: Panel, block: &[GroupActivations], out: &mut [FloatLine]) {
    multiply_with::<P>(panel, block, out, |lines, x, half| {
        let mut acc: [[__m256i; 2]; P] =
            std::array::from_fn(|p| [_mm256_set1_epi32(x[p].minus_sums[half]); 2]);
        for (j, line) in lines.iter().enumerate() {
            let codes = halves(line);
            for p in 0..P {
                let q = _mm256_set1_epi32(four(&x[p].values, 8 * half + j));
                for h in 0..2 {
                    acc[p][h] = _mm256_dpbusd_avx_epi32(acc[p][h], codes[h], q);
                }
            }
        }
        acc
    });
}
