//! Ternary GEMV with VNNI: `vpdpbusd` multiplies four unsigned by four signed bytes and adds the
//! products to an i32, without saturation.

use std::arch::x86_64::*;

use super::lanes::{load_64, load_i8, sum_i32_four};
use crate::{
    kernels::{
        avx2::{prefetch, store_products},
        pairs::in_pairs,
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{QuantizedActivations, RowLayout, TernaryRows},
};

/// Prefetch distance of the weights, in bytes, into L2: L1 has too few outstanding misses to use
/// the full memory bandwidth.
pub(super) const PREFETCH_AHEAD: usize = 3 << 10;

/// 256 weights of each of four rows.
type Step256 = [u8; 256];

/// Rows of at most this many steps do not use two streams: they come from a cache, and the work per
/// row dominates.
const SHORT: usize = 4;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
pub fn gemv_groups(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    assert_eq!(weights.layout, RowLayout::Groups256);
    groups(weights, activations, out);
    recorder.record(
        KernelName::I2sGemv,
        Isa::Avx512Vnni,
        out.len() * weights.n_cols,
    );
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
fn groups(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    let scale = weights.scale * activations.scale;
    let (values, _) = activations.values.as_chunks::<256>();
    let values = &values[..weights.n_cols.div_ceil(256)];
    let (steps, _) = weights.packed.as_chunks::<256>();
    if values.len() <= SHORT {
        return short_groups(steps, values, (activations.sum, scale), out);
    }
    let group = |i: usize| &steps[i * values.len()..][..values.len()];
    for pair in in_pairs(steps.len() / values.len()) {
        let products = dot_groups(pair.map(group), values);
        for (i, products) in pair.into_iter().zip(products) {
            let rows = 4 * i..out.len().min(4 * i + 4);
            store_products(products, activations.sum, scale, &mut out[rows]);
        }
    }
}

/// GEMV over rows of at most [`SHORT`] steps, one group after another.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2")]
fn short_groups(
    steps: &[Step256],
    values: &[[i8; 256]],
    (sum, scale): (i32, f32),
    out: &mut [f32],
) {
    for (group, out) in steps.chunks_exact(values.len()).zip(out.chunks_mut(4)) {
        let mut acc = [[_mm512_setzero_si512(); 2]; 4];
        for (step, q) in group.iter().zip(values) {
            add_step(&mut acc, step, load_256(q));
        }
        store_products(sum_places(acc), sum, scale, out);
    }
}

/// Σ code·q of the four rows of two groups.
///
/// The fields are used in one of two places of a byte, as 64 or 16 times the code, with separate
/// sums. Limit: a lane gets at most 8·128·127 = 130,048 per step, so an i32 suffices for 16,000
/// steps, or rows of 4 million weights.
///
/// Not inlined: with more live pointers the compiler spills those of the loop to the stack, which
/// costs a fifth of the bandwidth (measured).
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
#[inline(never)]
fn dot_groups([a, b]: [&[Step256]; 2], values: &[[i8; 256]]) -> [__m128i; 2] {
    let mut acc = [[[_mm512_setzero_si512(); 2]; 4]; 2];
    for ((a, b), q) in a.iter().zip(b).zip(values) {
        let q = load_256(q);
        add_step(&mut acc[0], a, q);
        add_step(&mut acc[1], b, q);
    }
    let [a, b] = acc;
    [sum_places(a), sum_places(b)]
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_256(q: &[i8; 256]) -> [__m512i; 4] {
    let (q, _) = q.as_chunks::<64>();
    [
        load_i8(&q[0]),
        load_i8(&q[1]),
        load_i8(&q[2]),
        load_i8(&q[3]),
    ]
}

/// Adds the products of 256 weights of four rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn add_step(acc: &mut [[__m512i; 2]; 4], step: &Step256, q: [__m512i; 4]) {
    let [by_64, by_16] = [0b1100_0000u8, 0b0011_0000].map(|mask| _mm512_set1_epi8(mask as i8));
    for (row, acc) in step.as_chunks::<64>().0.iter().zip(acc) {
        prefetch(row, PREFETCH_AHEAD);
        let upper = load_64(row);
        let lower = _mm512_slli_epi16::<4>(upper);
        acc[0] = _mm512_dpbusd_epi32(acc[0], _mm512_and_si512(upper, by_64), q[0]);
        acc[1] = _mm512_dpbusd_epi32(acc[1], _mm512_and_si512(upper, by_16), q[1]);
        acc[0] = _mm512_dpbusd_epi32(acc[0], _mm512_and_si512(lower, by_64), q[2]);
        acc[1] = _mm512_dpbusd_epi32(acc[1], _mm512_and_si512(lower, by_16), q[3]);
    }
}

/// The sums of four rows, from those of the two places. They are multiples of 64 and 16, so the
/// shifts are exact divisions.
#[target_feature(enable = "avx512f")]
#[inline]
fn sum_places(rows: [[__m512i; 2]; 4]) -> __m128i {
    sum_i32_four(rows.map(|[by_64, by_16]| {
        _mm512_add_epi32(_mm512_srai_epi32::<6>(by_64), _mm512_srai_epi32::<4>(by_16))
    }))
}
