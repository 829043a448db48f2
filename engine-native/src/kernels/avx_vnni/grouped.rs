//! Grouped ternary products with `vpdpbusd`, eight rows per vector.

use std::arch::x86_64::*;

use super::AvxVnni;
use crate::{
    kernels::{
        avx2::{
            grouped_gemv::{PREFETCH_AHEAD, combine, gemv_with},
            halves, load_bytes, multiply_with, prefetch,
        },
        grouped_tiles::{GroupedTileKernel, GroupedTilePacking, Panel},
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{
        FloatLine, GROUP_COLS, GroupActivations, GroupTerms, GroupedRows, PanelGroup,
        QuantizedActivations, four, four_of_field,
    },
};

#[target_feature(enable = "avx2,f16c,avxvnni")]
pub fn gemv(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    let terms: Vec<_> = GroupTerms::all(activations).collect();
    gemv_with(weights, activations, &terms, out, |codes, values, terms| {
        dot_group(codes, values, terms)
    });
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::GroupedGemv, Isa::AvxVnni, macs);
}

/// `a·acc + a'·acc'` of a group, for rows 0 to 7 and 8 to 15. The sums of the second block are with
/// 4·code, fields in place, as with AVX2.
#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn dot_group(codes: &PanelGroup, values: &[i8; GROUP_COLS], terms: &GroupTerms) -> [__m256; 2] {
    let masks = [0b0011, 0b1100].map(|mask| _mm256_set1_epi8(mask));
    let mut sums = [terms.minus_sums.map(|sum| _mm256_set1_epi32(sum)); 2];
    for (l, line) in codes.as_chunks::<64>().0.iter().enumerate() {
        prefetch(line, PREFETCH_AHEAD);
        let (halves, _) = line.as_chunks::<32>();
        let lower = [load_bytes(&halves[0]), load_bytes(&halves[1])];
        let upper = lower.map(|x| _mm256_srli_epi16::<4>(x));
        for f in 0..4 {
            let fields = if f < 2 { lower } else { upper };
            let q = _mm256_set1_epi32(four(values, four_of_field(l, f)));
            for h in 0..2 {
                let codes = _mm256_and_si256(fields[h], masks[f % 2]);
                sums[h][f % 2] = _mm256_dpbusd_avx_epi32(sums[h][f % 2], codes, q);
            }
        }
    }
    sums.map(|sums| combine(sums, terms))
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
