//! The ternary product over three weights in five bits, 1.67 bits a weight. VBMI looks digits up: one
//! shuffle spreads the fields, one shifts them into place, three take the digits apart.

use std::arch::x86_64::*;

use super::{
    lanes::{load_64, load_i8, prefetch, sum_i32_four},
    linear::PREFETCH_AHEAD,
};
use crate::{
    kernels::{
        Isa, KernelName, QuantizedActivations, RowLayout, TernaryRows, avx2::store_products,
    },
    ledger::Recorder,
};

/// 192 weights of each of four rows.
type Step = [u8; 160];

/// Index of the byte that holds the first bit of field k's group of eight, and of those after it.
const fn spread(first: u8) -> [u8; 64] {
    let mut index = [0; 64];
    let mut k = 0;
    while k < 64 {
        let byte = k % 8;
        // Eight fields take five bytes; the other three bytes of the lane are shifted out.
        index[k] = first + (k / 8 * 5 + if byte < 4 { byte } else { 4 }) as u8;
        k += 1;
    }
    index
}

/// Bit of its group at which field k begins.
const SHIFTS: [u8; 64] = {
    let mut shifts = [0; 64];
    let mut k = 0;
    while k < 64 {
        shifts[k] = (k % 8 * 5) as u8;
        k += 1;
    }
    shifts
};

/// A digit of every field value. The lookup takes six bits of its index, of which the sixth is the
/// next field's: both halves are the same.
const fn digit(divisor: usize) -> [u8; 64] {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        table[i] = (i % 32 / divisor % 3) as u8;
        i += 1;
    }
    table
}

/// Where in a step the 64 bytes begin from which each row's 40 are taken: the last ones end with it.
const WINDOWS: [usize; 4] = [0, 40, 80, 96];
const SPREAD: [u8; 64] = spread(0);
const SPREAD_LAST: [u8; 64] = spread(24);
const DIGITS: [[u8; 64]; 3] = [digit(9), digit(3), digit(1)];

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2")]
pub fn gemv_triples(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    assert_eq!(weights.layout, RowLayout::Triples192);
    groups(weights, activations, out);
    recorder.record(
        KernelName::I2sGemv,
        Isa::Avx512Vnni,
        out.len() * weights.n_cols,
    );
}

/// Alone in its function, as that of the other arrangement is.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2")]
#[inline(never)]
fn groups(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    let scale = weights.scale * activations.scale;
    let (values, _) = activations.values.as_chunks::<192>();
    let values = &values[..weights.n_cols.div_ceil(192)];
    let (steps, _) = weights.packed.as_chunks::<160>();
    for (group, out) in steps.chunks_exact(values.len()).zip(out.chunks_mut(4)) {
        let acc = sum_i32_four(dot_group(group, values));
        store_products(acc, activations.sum, scale, out);
    }
}

/// Σ code·q of the four rows of a group, spread over sixteen i32 lanes each. A lane gets at most
/// 3·4·2·127 = 3048 per step.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vbmi")]
#[inline]
fn dot_group(group: &[Step], values: &[[i8; 192]]) -> [__m512i; 4] {
    let spread = [SPREAD, SPREAD, SPREAD, SPREAD_LAST].map(|index| load_64(&index));
    let shifts = load_64(&SHIFTS);
    let digits = DIGITS.map(|table| load_64(&table));
    let mut acc = [[_mm512_setzero_si512(); 3]; 4];
    for (step, q) in group.iter().zip(values) {
        let (q, _) = q.as_chunks::<64>();
        let q = [load_i8(&q[0]), load_i8(&q[1]), load_i8(&q[2])];
        for line in [0, 64, 128] {
            prefetch(step, PREFETCH_AHEAD + line);
        }
        for r in 0..4 {
            let (window, _) = step[WINDOWS[r]..].as_chunks::<64>();
            let groups = _mm512_permutexvar_epi8(spread[r], load_64(&window[0]));
            let fields = _mm512_multishift_epi64_epi8(shifts, groups);
            for n in 0..3 {
                let codes = _mm512_permutexvar_epi8(fields, digits[n]);
                acc[r][n] = _mm512_dpbusd_epi32(acc[r][n], codes, q[n]);
            }
        }
    }
    acc.map(|[a, b, c]| _mm512_add_epi32(_mm512_add_epi32(a, b), c))
}
