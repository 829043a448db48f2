//! Ternary GEMV with `vpdpbusd`, on the weight layout of AVX2.

use std::arch::x86_64::*;

use crate::{
    kernels::{
        avx2::{load_bytes, load_i8, prefetch, store_products, sum_i32_four},
        pairs::in_pairs,
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{QuantizedActivations, RowLayout, TernaryRows},
};

/// Prefetch distance of the weights, into L2, in bytes.
const PREFETCH_AHEAD: usize = 2 << 10;

/// 128 weights of each of four rows.
type Step = [u8; 128];

/// Rows of at most this many steps do not use two streams: they come from a cache, and the work per
/// row dominates.
const SHORT: usize = 8;

#[target_feature(enable = "avx2,avxvnni")]
pub fn gemv_groups(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    assert_eq!(weights.layout, RowLayout::Groups128);
    groups(weights, activations, out);
    let macs = out.len() * weights.n_cols;
    recorder.record(KernelName::I2sGemv, Isa::AvxVnni, macs);
}

#[target_feature(enable = "avx2,avxvnni")]
fn groups(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    let scale = weights.scale * activations.scale;
    let (values, _) = activations.values.as_chunks::<128>();
    let values = &values[..weights.n_cols.div_ceil(128)];
    let (steps, _) = weights.packed.as_chunks::<128>();
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
#[target_feature(enable = "avx2,avxvnni")]
fn short_groups(steps: &[Step], values: &[[i8; 128]], (sum, scale): (i32, f32), out: &mut [f32]) {
    for (group, out) in steps.chunks_exact(values.len()).zip(out.chunks_mut(4)) {
        let mut acc = [_mm256_setzero_si256(); 4];
        for (step, q) in group.iter().zip(values) {
            add_step(&mut acc, step, q);
        }
        store_products(sum_i32_four(acc), sum, scale, out);
    }
}

/// Σ code·q of the four rows of two groups. A lane gets at most 4·4·2·127 = 4,064 per step.
///
/// Not inlined: with more live pointers the compiler spills those of the loop to the stack, which
/// costs bandwidth.
#[target_feature(enable = "avx2,avxvnni")]
#[inline(never)]
fn dot_groups([a, b]: [&[Step]; 2], values: &[[i8; 128]]) -> [__m128i; 2] {
    let mut acc = [[_mm256_setzero_si256(); 4]; 2];
    for ((a, b), q) in a.iter().zip(b).zip(values) {
        add_step(&mut acc[0], a, q);
        add_step(&mut acc[1], b, q);
    }
    let [a, b] = acc;
    [sum_i32_four(a), sum_i32_four(b)]
}

/// Adds the products of 128 weights of four rows.
#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn add_step(acc: &mut [__m256i; 4], step: &Step, q: &[i8; 128]) {
    let (q, _) = q.as_chunks::<32>();
    let lowest = _mm256_set1_epi8(0b11);
    for (r, (row, acc)) in step.as_chunks::<32>().0.iter().zip(acc).enumerate() {
        // A line holds two rows.
        if r % 2 == 0 {
            prefetch(row, PREFETCH_AHEAD);
        }
        let fields = load_bytes(row);
        let fields = [
            _mm256_srli_epi16(fields, 6),
            _mm256_srli_epi16(fields, 4),
            _mm256_srli_epi16(fields, 2),
            fields,
        ];
        for (fields, q) in fields.into_iter().zip(q) {
            let codes = _mm256_and_si256(fields, lowest);
            *acc = _mm256_dpbusd_avx_epi32(*acc, codes, load_i8(q));
        }
    }
}
