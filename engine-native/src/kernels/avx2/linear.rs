//! BitLinear: activation quantization and ternary GEMV.

use std::arch::x86_64::*;

use super::lanes::{
    load, load_bytes, load_i8, magnitude_bits, max_i32, prefetch, store_four, sum_i32, sum_i32_four,
};
use crate::{
    kernels::finite::{NonFinite, check_finite},
    ledger::{Isa, KernelName, Recorder},
    operands::{QuantizedActivations, RowLayout, TernaryRows},
};

/// A packed block of 128 weights.
type Block = [u8; 32];
/// The activations of a block.
type Values = [i8; 128];

/// Prefetch distance of the weights, in bytes. Far ahead and into L2: L1 has too few outstanding
/// misses to use the full memory bandwidth.
const PREFETCH_AHEAD: usize = 16 << 10;

#[target_feature(enable = "avx2")]
pub fn quantize(
    x: &[f32],
    out: &mut QuantizedActivations,
    recorder: &mut Recorder,
) -> Result<(), NonFinite> {
    assert_eq!(x.len(), out.len);
    let absmax_bits = absmax_bits(x);
    if absmax_bits >= 0x7f80_0000 {
        return check_finite(x);
    }
    let absmax = f32::from_bits(absmax_bits).max(1e-5);
    let s = 127.0 / absmax;
    let (x32, x_tail) = x.as_chunks::<32>();
    let (out32, out_tail) = out.values[..x.len()].as_chunks_mut::<32>();
    let mut sums = _mm256_setzero_si256();
    for (out, x) in out32.iter_mut().zip(x32) {
        sums = _mm256_add_epi32(sums, quantize_32(x, s, out));
    }
    let mut sum = sum_i32(sums);
    for (out, x) in out_tail.iter_mut().zip(x_tail) {
        let rounded = (x * s).round_ties_even().clamp(-127.0, 127.0) as i32;
        *out = rounded as i8;
        sum += rounded;
    }
    out.sum = sum;
    out.scale = absmax / 127.0;
    recorder.record(KernelName::ActivationQuantize, Isa::Avx2, x.len());
    Ok(())
}

/// Bits of the largest magnitude, compared as integers, so that a NaN is the largest of all.
#[target_feature(enable = "avx2")]
#[inline]
pub fn absmax_bits(x: &[f32]) -> u32 {
    let (chunks, tail) = x.as_chunks::<8>();
    let mut max = _mm256_setzero_si256();
    for chunk in chunks {
        max = _mm256_max_epi32(max, magnitude_bits(load(chunk)));
    }
    let tail = tail.iter().map(|x| x.to_bits() & 0x7fff_ffff);
    tail.fold(max_i32(max).cast_unsigned(), u32::max)
}

/// Quantizes 32 values. Returns their sums in eight lanes.
#[target_feature(enable = "avx2")]
#[inline]
pub fn quantize_32(x: &[f32; 32], s: f32, out: &mut [i8; 32]) -> __m256i {
    let (x8, _) = x.as_chunks::<8>();
    let limit = _mm256_set1_epi32(127);
    // Rounds to nearest, ties to even, which is the default rounding mode.
    let round = |x: &[f32; 8]| {
        let q = _mm256_cvtps_epi32(_mm256_mul_ps(load(x), _mm256_set1_ps(s)));
        _mm256_max_epi32(
            _mm256_min_epi32(q, limit),
            _mm256_sub_epi32(_mm256_setzero_si256(), limit),
        )
    };
    let [a, b, c, d] = [round(&x8[0]), round(&x8[1]), round(&x8[2]), round(&x8[3])];
    let i16s = [_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)];
    let i8s = _mm256_packs_epi16(i16s[0], i16s[1]);
    // The pack instructions work within 128-bit halves; this restores the order.
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let i8s = _mm256_permutevar8x32_epi32(i8s, order);
    // SAFETY: the array is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), i8s) };
    _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d))
}

#[target_feature(enable = "avx2")]
pub fn ternary_gemv(
    weights: TernaryRows,
    activations: &QuantizedActivations,
    out: &mut [f32],
    recorder: &mut Recorder,
) {
    weights.assert_fits(activations, out.len());
    match weights.layout {
        RowLayout::Groups128 => groups(weights, activations, out),
        RowLayout::Rows => rows(weights, activations, out),
        other => panic!("{other:?} is not an arrangement for AVX2"),
    }
    recorder.record(KernelName::I2sGemv, Isa::Avx2, out.len() * weights.n_cols);
}

/// Not inlined: with more live pointers the compiler spills those of the loop to the stack, which
/// costs a fifth of the bandwidth (measured).
#[target_feature(enable = "avx2")]
#[inline(never)]
fn groups(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    let scale = weights.scale * activations.scale;
    let (values, _) = activations.values.as_chunks::<128>();
    let values = &values[..weights.n_cols.div_ceil(128)];
    let (steps, _) = weights.packed.as_chunks::<128>();
    for (group, out) in steps.chunks_exact(values.len()).zip(out.chunks_mut(4)) {
        let acc = sum_i32_four(dot_group(group, values));
        store_products(acc, activations.sum, scale, out);
    }
}

#[target_feature(enable = "avx2")]
#[inline(never)]
fn rows(weights: TernaryRows, activations: &QuantizedActivations, out: &mut [f32]) {
    let scale = weights.scale * activations.scale;
    let (values, _) = activations.values.as_chunks::<128>();
    let values = &values[..weights.n_cols.div_ceil(128)];
    let (blocks, _) = weights.packed.as_chunks::<32>();
    for (row, out) in blocks.chunks_exact(values.len()).zip(out) {
        let [acc] = dot_codes(values, |b, _| {
            prefetch(&row[b], PREFETCH_AHEAD);
            &row[b]
        });
        *out = (sum_i32(acc) - activations.sum) as f32 * scale;
    }
}

/// Σ code·q of the four rows of a group, in eight i32 lanes each. Two rows at a time, because of
/// the number of registers; the other two are then in L1.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_group(group: &[[u8; 128]], values: &[Values]) -> [__m256i; 4] {
    let group = &group[..values.len()];
    let [a, b] = dot_codes(values, |i, r| {
        let rows = group[i].as_chunks::<32>().0;
        // A line holds two rows.
        prefetch(&rows[2 * r], PREFETCH_AHEAD);
        &rows[r]
    });
    let [c, d] = dot_codes(values, |i, r| &group[i].as_chunks::<32>().0[2 + r]);
    [a, b, c, d]
}

/// Σ code·q of R rows, in eight i32 lanes each; `block(b, r)` returns block b of row r.
///
/// Two of the four 2-bit fields are used without a shift, as 4·code. Limits of the i16 sums:
/// `maddubs` adds two products, at most 2·2·127 = 508 for shifted fields and 2032 for fields in
/// place, with two of each per block. So eight blocks are at most 8·2·2032 = 32,512 ≤ 32,767.
#[target_feature(enable = "avx2")]
#[inline]
fn dot_codes<'a, const R: usize>(
    values: &[Values],
    block: impl Fn(usize, usize) -> &'a Block,
) -> [__m256i; R] {
    const BLOCKS_BEFORE_WIDENING: usize = 8;
    let zero = _mm256_setzero_si256();
    let low_field = _mm256_set1_epi8(0b0011);
    let high_field = _mm256_set1_epi8(0b1100);
    let ones = _mm256_set1_epi16(1);
    let mut acc = [zero; R];
    for (i, some) in values.chunks(BLOCKS_BEFORE_WIDENING).enumerate() {
        let first = i * BLOCKS_BEFORE_WIDENING;
        let mut plain = [zero; R];
        let mut in_place = [zero; R];
        for (b, q) in some.iter().enumerate() {
            let (q, _) = q.as_chunks::<32>();
            let q = [
                load_i8(&q[0]),
                load_i8(&q[1]),
                load_i8(&q[2]),
                load_i8(&q[3]),
            ];
            for r in 0..R {
                let block = block(first + b, r);
                let fields = load_bytes(block);
                let shifted = _mm256_srli_epi16(fields, 4);
                let product =
                    |fields, mask, q| _mm256_maddubs_epi16(_mm256_and_si256(fields, mask), q);
                let w96 = product(fields, low_field, q[3]);
                let w32 = product(shifted, low_field, q[1]);
                plain[r] = _mm256_add_epi16(plain[r], _mm256_add_epi16(w96, w32));
                let w64 = product(fields, high_field, q[2]);
                let w0 = product(shifted, high_field, q[0]);
                in_place[r] = _mm256_add_epi16(in_place[r], _mm256_add_epi16(w64, w0));
            }
        }
        for r in 0..R {
            let plain = _mm256_madd_epi16(plain[r], ones);
            // All are multiples of four, so the shift is an exact division.
            let in_place = _mm256_srai_epi32(_mm256_madd_epi16(in_place[r], ones), 2);
            acc[r] = _mm256_add_epi32(acc[r], _mm256_add_epi32(plain, in_place));
        }
    }
    acc
}

/// Stores `(acc − sum) · scale` of up to four rows; the last group may be padded.
#[target_feature(enable = "avx2")]
#[inline]
pub fn store_products(acc: __m128i, sum: i32, scale: f32, out: &mut [f32]) {
    let acc = _mm_sub_epi32(acc, _mm_set1_epi32(sum));
    let four = _mm_mul_ps(_mm_cvtepi32_ps(acc), _mm_set1_ps(scale));
    match out.as_chunks_mut::<4>() {
        ([out], _) => store_four(out, four),
        (_, rest) => {
            let mut all = [0.0; 4];
            store_four(&mut all, four);
            rest.copy_from_slice(&all[..rest.len()]);
        }
    }
}
