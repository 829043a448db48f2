//! Ternary GEMV over weights of which three take five bits: 1.67 bits per weight. A VBMI table
//! lookup extracts the three digits of a field.

use std::arch::x86_64::*;

use super::{
    lanes::{load_64, load_i8, sum_i32_four},
    linear::PREFETCH_AHEAD,
};
use crate::{
    kernels::{
        avx2::{prefetch, store_products},
        pairs::in_pairs,
    },
    ledger::{Isa, KernelName, Recorder},
    operands::{QuantizedActivations, RowLayout, TernaryRows},
};

/// 384 weights of each of four rows.
type Step = [[u8; 64]; 5];

/// Table of one digit of every field value. The lookup uses six bits of its index, of which the
/// sixth belongs to another field, so both halves of the table are equal.
const fn digit(divisor: usize) -> [u8; 64] {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        table[i] = (i % 32 / divisor % 3) as u8;
        i += 1;
    }
    table
}

const DIGITS: [[u8; 64]; 3] = [digit(9), digit(3), digit(1)];

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2")]
pub fn gemv_triples(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    assert_eq!(weights.layout, RowLayout::Triples384);
    groups(weights, activations, out);
    recorder.record(
        KernelName::I2sGemv,
        Isa::Avx512Vnni,
        out.len() * weights.n_cols,
    );
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2")]
fn groups(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    let scale = weights.scale * activations.scale;
    let (values, _) = activations.values.as_chunks::<384>();
    let values = &values[..weights.n_cols.div_ceil(384)];
    let (steps, _) = weights.packed.as_chunks::<64>().0.as_chunks::<5>();
    let group = |i: usize| &steps[i * values.len()..][..values.len()];
    for pair in in_pairs(steps.len() / values.len()) {
        let products = dot_groups(pair.map(group), values);
        for (i, products) in pair.into_iter().zip(products) {
            let rows = 4 * i..out.len().min(4 * i + 4);
            store_products(products, activations.sum, scale, &mut out[rows]);
        }
    }
}

/// Σ code·q of the four rows of two groups. A lane gets at most 6·4·2·127 = 6,096 per step.
///
/// Not inlined, like that of the other layout.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vbmi,avx2")]
#[inline(never)]
fn dot_groups([a, b]: [&[Step]; 2], values: &[[i8; 384]]) -> [__m128i; 2] {
    let digits = [
        load_64(&DIGITS[0]),
        load_64(&DIGITS[1]),
        load_64(&DIGITS[2]),
    ];
    let mut acc = [[_mm512_setzero_si512(); 4]; 2];
    for ((a, b), values) in a.iter().zip(b).zip(values) {
        let mut q = [_mm512_setzero_si512(); 6];
        for (q, values) in q.iter_mut().zip(values.as_chunks::<64>().0) {
            *q = load_i8(values);
        }
        add_step(&mut acc[0], a, q, digits);
        add_step(&mut acc[1], b, q, digits);
    }
    let [a, b] = acc;
    [sum_i32_four(a), sum_i32_four(b)]
}

/// Adds the products of 384 weights of four rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vbmi")]
#[inline]
fn add_step(acc: &mut [__m512i; 4], step: &Step, q: [__m512i; 6], digits: [__m512i; 3]) {
    let [highest, rows @ ..] = step;
    prefetch(highest, PREFETCH_AHEAD);
    let highest = load_64(highest);
    add_row::<0>(&mut acc[0], &rows[0], highest, q, digits);
    add_row::<1>(&mut acc[1], &rows[1], highest, q, digits);
    add_row::<2>(&mut acc[2], &rows[2], highest, q, digits);
    add_row::<3>(&mut acc[3], &rows[3], highest, q, digits);
}

/// Adds the products of 384 weights of row `R`, a const parameter because the shifts must be
/// immediate operands.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vbmi")]
#[inline]
fn add_row<const R: usize>(
    acc: &mut __m512i,
    others: &[u8; 64],
    highest: __m512i,
    q: [__m512i; 6],
    digits: [__m512i; 3],
) {
    prefetch(others, PREFETCH_AHEAD);
    let others = load_64(others);
    let others = [others, _mm512_srli_epi16::<4>(others)];
    for (v, others) in others.into_iter().enumerate() {
        let fields = join(to_bit_4(highest, 2 * R + v), others);
        for (n, digits) in digits.into_iter().enumerate() {
            let codes = _mm512_permutexvar_epi8(fields, digits);
            *acc = _mm512_dpbusd_epi32(*acc, codes, q[3 * v + n]);
        }
    }
}

/// Moves bit `i` of each byte to bit 4, the highest of a field.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn to_bit_4(bits: __m512i, i: usize) -> __m512i {
    match i {
        0 => _mm512_slli_epi16::<4>(bits),
        1 => _mm512_slli_epi16::<3>(bits),
        2 => _mm512_slli_epi16::<2>(bits),
        3 => _mm512_slli_epi16::<1>(bits),
        4 => bits,
        5 => _mm512_srli_epi16::<1>(bits),
        6 => _mm512_srli_epi16::<2>(bits),
        _ => _mm512_srli_epi16::<3>(bits),
    }
}

/// Bit 4 of each byte of `highest`, and the other bits of `others`.
#[target_feature(enable = "avx512f")]
#[inline]
fn join(highest: __m512i, others: __m512i) -> __m512i {
    let bit = _mm512_set1_epi8(0x10);
    // bit ? highest : others
    _mm512_ternarylogic_epi32::<0b1100_1010>(bit, highest, others)
}
