//! Grouped ternary products with `vpdpbusd`, the sixteen rows of a panel side by side.

use std::arch::x86_64::*;

use super::{
    Avx512Vnni,
    lanes::{load_64, load_floats, store_floats},
};
use crate::{
    kernels::{
        avx2::prefetch,
        grouped_tiles::{GroupedTileKernel, Panel},
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{
        CodeLine, FloatLine, GROUP_COLS, GroupActivations, GroupedRows, PANEL_ROWS,
        QuantizedActivations, four,
    },
};

/// Prefetch distance of the codes, in bytes, into L2.
const PREFETCH_AHEAD: usize = 4 << 10;

/// The codes of a panel in a group of columns: two blocks of two lines.
type PanelGroup = [u8; 256];

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,f16c")]
pub fn gemv(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    let n_groups = weights.n_cols / GROUP_COLS;
    let n_scales = weights.n_cols / weights.group_len;
    let (codes, _) = weights.codes.as_chunks::<256>();
    let (scales, _) = weights.scales.as_chunks::<32>();
    let panels = codes
        .chunks_exact(n_groups)
        .zip(scales.chunks_exact(n_scales));
    for ((codes, scales), out) in panels.zip(out.chunks_mut(PANEL_ROWS)) {
        let y = match weights.group_len == GROUP_COLS {
            true => dot_panel::<1>(codes, scales, activations),
            false => dot_panel::<2>(codes, scales, activations),
        };
        match out.as_chunks_mut::<PANEL_ROWS>() {
            ([out], _) => store_floats(out, y),
            (_, rest) => {
                let mut all = [0.0; PANEL_ROWS];
                store_floats(&mut all, y);
                rest.copy_from_slice(&all[..rest.len()]);
            }
        }
    }
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::GroupedGemv, Isa::Avx512Vnni, macs);
}

/// The products of the rows of a panel; R groups share a scale.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,f16c")]
#[inline(never)]
fn dot_panel<const R: usize>(
    codes: &[PanelGroup],
    scales: &[[u8; 32]],
    activations: &QuantizedActivations,
) -> __m512 {
    let (codes, _) = codes.as_chunks::<R>();
    let (values, _) = activations.values.as_chunks::<GROUP_COLS>();
    let (values, _) = values.as_chunks::<R>();
    let (factors, _) = activations.block_scales.as_chunks::<2>();
    let (factors, _) = factors.as_chunks::<R>();
    let (sums, _) = activations.block_sums.as_chunks::<2>();
    let (sums, _) = sums.as_chunks::<R>();
    let n = codes.len();
    let (scales, values) = (&scales[..n], &values[..n]);
    let (factors, sums) = (&factors[..n], &sums[..n]);
    let mut y = _mm512_setzero_ps();
    for i in 0..n {
        prefetch(&scales[i], PREFETCH_AHEAD / 8);
        let d = widen_scales(&scales[i]);
        for r in 0..R {
            let t = dot_group(&codes[i][r], &values[i][r], factors[i][r], sums[i][r]);
            y = _mm512_add_ps(y, _mm512_mul_ps(d, t));
        }
    }
    y
}

/// `a_0·acc_0 + a_1·acc_1` of a group, for sixteen rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
#[inline]
fn dot_group(codes: &PanelGroup, values: &[i8; 64], factors: [f32; 2], sums: [i32; 2]) -> __m512 {
    let (lines, _) = codes.as_chunks::<64>();
    let first = dot_block([&lines[0], &lines[1]], values, 0);
    let second = dot_block([&lines[2], &lines[3]], values, 8);
    let term = |acc, i: usize| {
        let exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(acc, _mm512_set1_epi32(sums[i])));
        _mm512_mul_ps(_mm512_set1_ps(factors[i]), exact)
    };
    _mm512_add_ps(term(first, 0), term(second, 1))
}

/// Σ code·q of a block of 32 columns; `from` is its first place among the fours of `values`.
///
/// Two of the four fields are used in place, as 4·code, with a sum of their own. A sum is at most
/// 4·2·127·16 in magnitude, and one of those in place is a multiple of 4, so the shift is exact.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
#[inline]
fn dot_block(lines: [&[u8; 64]; 2], values: &[i8; 64], from: usize) -> __m512i {
    let [low_field, high_field] = [0b0011, 0b1100].map(|mask| _mm512_set1_epi8(mask));
    let mut plain = _mm512_setzero_si512();
    let mut in_place = _mm512_setzero_si512();
    for (h, line) in lines.into_iter().enumerate() {
        prefetch(line, PREFETCH_AHEAD);
        let q = |f: usize| _mm512_set1_epi32(four(values, from + 4 * h + f));
        let lower = load_64(line);
        let upper = _mm512_srli_epi16::<4>(lower);
        plain = _mm512_dpbusd_epi32(plain, _mm512_and_si512(lower, low_field), q(0));
        in_place = _mm512_dpbusd_epi32(in_place, _mm512_and_si512(lower, high_field), q(1));
        plain = _mm512_dpbusd_epi32(plain, _mm512_and_si512(upper, low_field), q(2));
        in_place = _mm512_dpbusd_epi32(in_place, _mm512_and_si512(upper, high_field), q(3));
    }
    _mm512_add_epi32(plain, _mm512_srai_epi32::<2>(in_place))
}

/// The scales of sixteen rows.
#[target_feature(enable = "avx512f,avx2")]
#[inline]
fn widen_scales(scales: &[u8; 32]) -> __m512 {
    _mm512_cvtph_ps(crate::kernels::avx2::load_bytes(scales))
}

impl GroupedTileKernel for Avx512Vnni {
    // 3 × 8 accumulators, a vector of codes, one of scales.
    const BLOCK_POSITIONS: usize = 8;

    fn unpack(&self, codes: &[u8], lines: &mut [CodeLine]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F and BW.
        unsafe { unpack(codes, lines) }
    }

    fn widen(&self, scales: &[u8], repeat: usize, lines: &mut [FloatLine]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F, and AVX2.
        unsafe { widen(scales, repeat, lines) }
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

#[target_feature(enable = "avx512f,avx512bw")]
fn unpack(codes: &[u8], lines: &mut [CodeLine]) {
    let mask = _mm512_set1_epi8(0b11);
    let (codes, _) = codes.as_chunks::<64>();
    let (fours, _) = lines.as_chunks_mut::<4>();
    for (codes, lines) in codes.iter().zip(fours) {
        let x = load_64(codes);
        let fields = [
            x,
            _mm512_srli_epi16::<2>(x),
            _mm512_srli_epi16::<4>(x),
            _mm512_srli_epi16::<6>(x),
        ];
        for (line, field) in lines.iter_mut().zip(fields) {
            // SAFETY: the line is 64 writable bytes; the store needs no alignment.
            unsafe {
                _mm512_storeu_si512(line.0.as_mut_ptr().cast(), _mm512_and_si512(field, mask));
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx2")]
fn widen(scales: &[u8], repeat: usize, lines: &mut [FloatLine]) {
    let (scales, _) = scales.as_chunks::<32>();
    for (scales, lines) in scales.iter().zip(lines.chunks_exact_mut(repeat)) {
        let d = widen_scales(scales);
        for line in lines {
            store_floats(&mut line.0, d);
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
