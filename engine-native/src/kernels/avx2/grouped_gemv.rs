//! Grouped ternary GEMV. The sixteen rows of a panel are two vectors of eight.
//!
//! A group of columns contributes `d·(a·acc + a'·acc')`. Both products in the parentheses are exact
//! in f32: an F16 scale has 11 significant bits, a sum of 32 columns 12. So their sum, rounded once,
//! is as well computed in integers and rounded by the conversion to f32, which takes fewer
//! instructions, and they are what limits this kernel.

use std::arch::x86_64::*;

use super::{
    grouped::{store_panel, widen_scales},
    lanes::{load_bytes, prefetch},
};
use crate::{
    ledger::{Isa, KernelName, Recorder},
    operands::{
        GROUP_COLS, GroupTerms, GroupedRows, PANEL_ROWS, PanelGroup, QuantizedActivations, four,
        four_of_field,
    },
};

/// Prefetch distance of the codes, in bytes, into L2: the fastest of 2 to 24 KiB.
pub const PREFETCH_AHEAD: usize = 12 << 10;

/// What the sums of a group are multiplied by.
///
/// A struct and not an enum on purpose. The variants of an enum share memory, and the compiler loads what
/// they share before it knows which variant it is, which takes one instruction more.
struct Terms {
    /// None if the scales are too far apart.
    integers: Option<IntegerTerms>,
    floats: GroupTerms,
}

/// Scales that are integers of 15 bits times one power of two.
struct IntegerTerms {
    /// The integers, each in both halves: the factors of a pair of i16.
    factors: [i32; 2],
    /// Codes are weights plus one, so sums with codes are too large by Σ q. Adding this corrects it.
    minus_excess: i32,
    /// The power of two.
    unit: f32,
}

impl IntegerTerms {
    fn new(terms: &GroupTerms) -> Option<Self> {
        let [a, b] = terms.factors;
        let smallest = if a.min(b) > 0.0 { a.min(b) } else { a.max(b) };
        // Its last bit, as an F16 number; 1 if both scales are 0.
        let unit = match smallest > 0.0 {
            true => f32::from_bits(smallest.to_bits() & 0x7f80_0000) / 1024.0,
            false => 1.0,
        };
        let integers = [a / unit, b / unit];
        if integers.iter().any(|&x| x > f32::from(i16::MAX)) {
            return None;
        }
        debug_assert!(integers.iter().all(|x| x.fract() == 0.0));
        let [a, b] = integers.map(|x| x as i32);
        Some(Self {
            factors: [a << 16 | a, b << 16 | b],
            minus_excess: a * terms.minus_sums[0] + b * terms.minus_sums[1],
            unit,
        })
    }
}

/// GEMV over whole panels. `product` computes `a·acc + a'·acc'` of a group for rows 0 to 7 and 8 to 15, from
/// the group's codes, its activations and its entry in `terms`.
#[target_feature(enable = "avx2,f16c")]
#[inline]
pub fn gemv_with<T>(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    terms: &[T],
    out: &mut [f32],
    product: impl Fn(&PanelGroup, &[i8; GROUP_COLS], &T) -> [__m256; 2],
) {
    weights.assert_fits(activations, out.len());
    let per_scale = weights.group_len / GROUP_COLS;
    let (values, _) = activations.values.as_chunks::<GROUP_COLS>();
    let x = values.iter().zip(terms);
    for ((codes, scales), out) in weights.panels().zip(out.chunks_mut(PANEL_ROWS)) {
        let mut y = [_mm256_setzero_ps(); 2];
        let mut x = x.clone();
        for (codes, scales) in codes.chunks_exact(per_scale).zip(scales) {
            let d = widen_scales(scales);
            for (codes, (values, terms)) in codes.iter().zip(&mut x) {
                let t = product(codes, values, terms);
                for h in 0..2 {
                    y[h] = _mm256_add_ps(y[h], _mm256_mul_ps(d[h], t[h]));
                }
            }
        }
        match out.as_mut_array() {
            Some(all) => store_panel(all, y),
            None => {
                let mut all = [0.0; PANEL_ROWS];
                store_panel(&mut all, y);
                out.copy_from_slice(&all[..out.len()]);
            }
        }
    }
}

#[target_feature(enable = "avx2,f16c")]
pub fn gemv(
    weights: GroupedRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    let terms: Vec<_> = GroupTerms::all(activations)
        .map(|floats| Terms {
            integers: IntegerTerms::new(&floats),
            floats,
        })
        .collect();
    gemv_with(weights, activations, &terms, out, |codes, values, terms| {
        let sums = dot_group(codes, values);
        match &terms.integers {
            Some(terms) => sums.map(|sums| combine_integers(sums, terms)),
            None => sums.map(|sums| combine(widen(sums, &terms.floats), &terms.floats)),
        }
    });
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::GroupedGemv, Isa::Avx2, macs);
}

/// `a·acc + a'·acc'` of eight rows from acc and 4·acc'.
#[target_feature(enable = "avx2")]
#[inline]
pub fn combine(sums: [__m256i; 2], terms: &GroupTerms) -> __m256 {
    let term = |b: usize| {
        _mm256_mul_ps(
            _mm256_set1_ps(terms.factors[b]),
            _mm256_cvtepi32_ps(sums[b]),
        )
    };
    _mm256_add_ps(term(0), term(1))
}

/// acc and 4·acc' of eight rows, from sums of pairs of columns.
#[target_feature(enable = "avx2")]
#[inline]
fn widen(sums: [__m256i; 2], terms: &GroupTerms) -> [__m256i; 2] {
    let ones = _mm256_set1_epi16(1);
    std::array::from_fn(|b| {
        let minus_sum = _mm256_set1_epi32(terms.minus_sums[b]);
        _mm256_add_epi32(minus_sum, _mm256_madd_epi16(sums[b], ones))
    })
}

#[target_feature(enable = "avx2")]
#[inline]
fn combine_integers(sums: [__m256i; 2], terms: &IntegerTerms) -> __m256 {
    let term = |b: usize| _mm256_madd_epi16(sums[b], _mm256_set1_epi32(terms.factors[b]));
    let both = _mm256_add_epi32(term(0), term(1));
    let exact = _mm256_add_epi32(both, _mm256_set1_epi32(terms.minus_excess));
    _mm256_mul_ps(_mm256_cvtepi32_ps(exact), _mm256_set1_ps(terms.unit))
}

/// Sums of pairs of columns, for rows 0 to 7 and 8 to 15: Σ code·q of the first block and
/// Σ 4·code·q of the second.
///
/// Limits of the i16 sums: `maddubs` adds two products, at most 2·2·127 = 508, or 2032 for fields in
/// place. A sum has eight of them, at most 16,256.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_group(codes: &PanelGroup, values: &[i8; GROUP_COLS]) -> [[__m256i; 2]; 2] {
    let masks = [0b0011, 0b1100].map(|mask| _mm256_set1_epi8(mask));
    let mut sums = [[_mm256_setzero_si256(); 2]; 2];
    for (l, line) in codes.as_chunks::<64>().0.iter().enumerate() {
        prefetch(line, PREFETCH_AHEAD);
        let (halves, _) = line.as_chunks::<32>();
        for f in 0..4 {
            let q = _mm256_set1_epi32(four(values, four_of_field(l, f)));
            for h in 0..2 {
                let lower = load_bytes(&halves[h]);
                let upper = _mm256_srli_epi16::<4>(lower);
                let codes = _mm256_and_si256(if f < 2 { lower } else { upper }, masks[f % 2]);
                let product = _mm256_maddubs_epi16(codes, q);
                sums[h][f % 2] = _mm256_add_epi16(sums[h][f % 2], product);
            }
        }
    }
    sums
}
