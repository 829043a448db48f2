//! Grouped ternary products with `vpdpbusd`, the sixteen rows of a panel side by side.

use std::arch::x86_64::*;

use super::{
    Avx512Vnni,
    lanes::{load_64, load_floats, store_floats},
};
use crate::{
    kernels::{
        avx2::{load_bytes, prefetch},
        grouped_tiles::{GroupedTileKernel, GroupedTilePacking, Panel},
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{
        FloatLine, GROUP_COLS, GroupActivations, GroupTerms, GroupedRows, PANEL_ROWS, PanelGroup,
        PanelScales, QuantizedActivations, four, four_of_field,
    },
};

/// Prefetch distance of the codes, in bytes, into L2.
const PREFETCH_AHEAD: usize = 4 << 10;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,f16c")]
pub fn gemv(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    let per_scale = weights.group_len / GROUP_COLS;
    let (values, _) = activations.values.as_chunks::<GROUP_COLS>();
    let terms: Vec<_> = GroupTerms::all(activations).collect();
    let x = values.iter().zip(&terms);
    for ((codes, scales), out) in weights.panels().zip(out.chunks_mut(PANEL_ROWS)) {
        let mut y = _mm512_setzero_ps();
        let mut x = x.clone();
        for (codes, scales) in codes.chunks_exact(per_scale).zip(scales) {
            prefetch(scales, PREFETCH_AHEAD / 8);
            let d = widen_scales(scales);
            for (codes, (values, terms)) in codes.iter().zip(&mut x) {
                let t = dot_group(codes, values, terms);
                y = _mm512_add_ps(y, _mm512_mul_ps(d, t));
            }
        }
        let mut all = [0.0; PANEL_ROWS];
        store_floats(&mut all, y);
        out.copy_from_slice(&all[..out.len()]);
    }
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::GroupedGemv, Isa::Avx512Vnni, macs);
}

/// `a·acc + a'·acc'` of a group, for sixteen rows.
///
/// The second block's fields are used in place, as 4·code.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
#[inline]
fn dot_group(codes: &PanelGroup, values: &[i8; GROUP_COLS], terms: &GroupTerms) -> __m512 {
    let masks = [0b0011, 0b1100].map(|mask| _mm512_set1_epi8(mask));
    let mut sums = terms.minus_sums.map(|sum| _mm512_set1_epi32(sum));
    for (l, line) in codes.as_chunks::<64>().0.iter().enumerate() {
        prefetch(line, PREFETCH_AHEAD);
        let lower = load_64(line);
        let upper = _mm512_srli_epi16::<4>(lower);
        for f in 0..4 {
            let fields = if f < 2 { lower } else { upper };
            let q = _mm512_set1_epi32(four(values, four_of_field(l, f)));
            let codes = _mm512_and_si512(fields, masks[f % 2]);
            sums[f % 2] = _mm512_dpbusd_epi32(sums[f % 2], codes, q);
        }
    }
    let term = |b: usize| {
        _mm512_mul_ps(
            _mm512_set1_ps(terms.factors[b]),
            _mm512_cvtepi32_ps(sums[b]),
        )
    };
    _mm512_add_ps(term(0), term(1))
}

/// The scales of sixteen rows.
#[target_feature(enable = "avx512f,avx2")]
#[inline]
fn widen_scales(scales: &PanelScales) -> __m512 {
    _mm512_cvtph_ps(load_bytes(scales))
}

impl GroupedTileKernel for Avx512Vnni {
    // 3 × 8 accumulators, a vector of codes, one of scales.
    const BLOCK_POSITIONS: usize = 8;

    fn packing(&self) -> &impl GroupedTilePacking {
        &self.base
    }

    fn multiply(&self, panel: Panel, block: &[GroupActivations], out: &mut [FloatLine]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F and VNNI.
        unsafe {
            match out.len() {
                1 => multiply::<1>(panel, block, out),
                2 => multiply::<2>(panel, block, out),
                3 => multiply::<3>(panel, block, out),
                4 => multiply::<4>(panel, block, out),
                5 => multiply::<5>(panel, block, out),
                6 => multiply::<6>(panel, block, out),
                7 => multiply::<7>(panel, block, out),
                8 => multiply::<8>(panel, block, out),
                n => unreachable!("a block of {n} positions"),
            }
        }
    }
}

/// Multiplies a panel with P positions.
#[target_feature(enable = "avx512f,avx512vnni")]
fn multiply<const P: usize>(panel: Panel, block: &[GroupActivations], out: &mut [FloatLine]) {
    let (block, _) = block.as_chunks::<P>();
    let (codes, _) = panel.codes.as_chunks::<16>();
    assert!(block.len() == codes.len() && codes.len() == panel.scales.len() && out.len() == P);
    let mut y = [_mm512_setzero_ps(); P];
    for ((codes, scales), x) in codes.iter().zip(panel.scales).zip(block) {
        let terms = |h: usize| {
            let mut acc: [__m512i; P] =
                std::array::from_fn(|p| _mm512_set1_epi32(x[p].minus_sums[h]));
            for j in 8 * h..8 * h + 8 {
                let codes = load_64(&codes[j].0);
                for p in 0..P {
                    let q = _mm512_set1_epi32(four(&x[p].values, j));
                    acc[p] = _mm512_dpbusd_epi32(acc[p], codes, q);
                }
            }
            std::array::from_fn::<_, P, _>(|p| {
                _mm512_mul_ps(_mm512_set1_ps(x[p].scales[h]), _mm512_cvtepi32_ps(acc[p]))
            })
        };
        let (first, second) = (terms(0), terms(1));
        let d = load_floats(&scales.0);
        for p in 0..P {
            let t = _mm512_add_ps(first[p], second[p]);
            y[p] = _mm512_add_ps(y[p], _mm512_mul_ps(d, t));
        }
    }
    for (out, y) in out.iter_mut().zip(y) {
        store_floats(&mut out.0, y);
    }
}
