//! Embedding rows, the output matrix and the greedy choice.

use std::arch::x86_64::*;

use super::lanes::{
    load, load_half, magnitude_bits, max_f32, prefetch, store, store_four, tree16, tree16_four,
    widen_i8,
};
use crate::{
    kernels::{DenseRows, Isa, KernelName, NonFinite, check_finite, scalar},
    ledger::Recorder,
    model::DenseType,
};

/// How far ahead of the rows the products ask for them, in bytes.
const PREFETCH_AHEAD: usize = 2048;

/// Sixteen elements of a row, widened to f32: lanes 0 to 7 and lanes 8 to 15.
type Lanes = [__m256; 2];

#[target_feature(enable = "avx2,f16c")]
#[inline]
fn widen_f32(bytes: &[u8; 64]) -> [Lanes; 1] {
    let (halves, _) = bytes.as_chunks::<32>();
    let widen = |half: &[u8; 32]| _mm256_castsi256_ps(super::lanes::load_bytes(half));
    [[widen(&halves[0]), widen(&halves[1])]]
}

#[target_feature(enable = "avx2,f16c")]
#[inline]
fn widen_f16(bytes: &[u8; 32]) -> [Lanes; 1] {
    let (halves, _) = bytes.as_chunks::<16>();
    let widen = |half: &[u8; 16]| _mm256_cvtph_ps(load_half(half));
    [[widen(&halves[0]), widen(&halves[1])]]
}

#[target_feature(enable = "avx2,f16c")]
#[inline]
fn widen_q8_0(block: &[u8; 34]) -> [Lanes; 2] {
    let d = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
    let (quarters, _) = block[2..].as_chunks::<16>();
    let widen = |q: &[u8; 16]| {
        let q = load_half(q);
        let scaled = |x| _mm256_mul_ps(widen_i8(x), _mm256_set1_ps(d));
        [scaled(q), scaled(_mm_srli_si128(q, 8))]
    };
    [widen(&quarters[0]), widen(&quarters[1])]
}

/// dot16 of R rows of chunks of `B` bytes with `x`, whose chunks have `N` elements, 16 per group.
#[target_feature(enable = "avx2,f16c")]
#[inline]
fn dot_chunks<const R: usize, const B: usize, const N: usize, const G: usize>(
    rows: [&[u8]; R],
    x: &[f32],
    widen: impl Fn(&[u8; B]) -> [Lanes; G],
) -> [Lanes; R] {
    let mut acc = [[_mm256_setzero_ps(); 2]; R];
    let mut add = |r: usize, bytes: &[u8; B], x: &[f32; N]| {
        let (x8, _) = x.as_chunks::<8>();
        for (group, lanes) in widen(bytes).into_iter().enumerate() {
            for half in 0..2 {
                let product = _mm256_mul_ps(lanes[half], load(&x8[2 * group + half]));
                acc[r][half] = _mm256_add_ps(acc[r][half], product);
            }
        }
    };
    let (x_chunks, x_tail) = x.as_chunks::<N>();
    let chunks = rows.map(|row| &row.as_chunks::<B>().0[..x_chunks.len()]);
    for (i, x) in x_chunks.iter().enumerate() {
        for (r, row) in chunks.iter().enumerate() {
            prefetch(&row[i], PREFETCH_AHEAD);
            add(r, &row[i], x);
        }
    }
    if !x_tail.is_empty() {
        // Zeros beyond the end change no lane.
        let mut x = [0.0; N];
        x[..x_tail.len()].copy_from_slice(x_tail);
        for (r, row) in rows.iter().enumerate() {
            let mut bytes = [0; B];
            let tail = &row[x_chunks.len() * B..];
            bytes[..tail.len()].copy_from_slice(tail);
            add(r, &bytes, &x);
        }
    }
    acc
}

#[target_feature(enable = "avx2,f16c")]
#[inline]
fn dot_group<const R: usize>(dense_type: DenseType, rows: [&[u8]; R], x: &[f32]) -> [Lanes; R] {
    match dense_type {
        DenseType::F32 => dot_chunks::<R, 64, 16, 1>(rows, x, |b| widen_f32(b)),
        DenseType::F16 => dot_chunks::<R, 32, 16, 1>(rows, x, |b| widen_f16(b)),
        DenseType::Q8_0 => dot_chunks::<R, 34, 32, 2>(rows, x, |b| widen_q8_0(b)),
    }
}

/// `out[r] = dot16(rows[r], x)`, four rows at a time.
#[target_feature(enable = "avx2,f16c")]
pub fn dot_rows(rows: DenseRows, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), rows.n_cols);
    assert_eq!(rows.bytes.len(), out.len() * rows.row_bytes());
    let (out4, out_tail) = out.as_chunks_mut::<4>();
    let mut row = rows.bytes.chunks_exact(rows.row_bytes());
    let mut next = || row.next().unwrap_or_default();
    for out in out4 {
        let acc = dot_group(rows.dense_type, [next(), next(), next(), next()], x);
        store_four(out, tree16_four(acc));
    }
    for out in out_tail {
        let [[low, high]] = dot_group(rows.dense_type, [next()], x);
        *out = tree16(low, high);
    }
}

#[target_feature(enable = "avx2,f16c")]
pub fn embedding_row(row: DenseRows, out: &mut [f32], recorder: &mut Recorder) {
    assert!(out.len() == row.n_cols && row.bytes.len() == row.row_bytes());
    match row.dense_type {
        DenseType::F32 => widen_row::<64, 16, 1>(row, out, |b| widen_f32(b)),
        DenseType::F16 => widen_row::<32, 16, 1>(row, out, |b| widen_f16(b)),
        DenseType::Q8_0 => widen_row::<34, 32, 2>(row, out, |b| widen_q8_0(b)),
    }
    let name = KernelName::embedding_row(row.dense_type);
    recorder.record(name, Isa::Avx2, out.len());
}

#[target_feature(enable = "avx2,f16c")]
#[inline]
fn widen_row<const B: usize, const N: usize, const G: usize>(
    row: DenseRows,
    out: &mut [f32],
    widen: impl Fn(&[u8; B]) -> [Lanes; G],
) {
    let (chunks, _) = row.bytes.as_chunks::<B>();
    let (out_chunks, out_tail) = out.as_chunks_mut::<N>();
    let first_of_tail = out_chunks.len() * N;
    for (out, bytes) in out_chunks.iter_mut().zip(chunks) {
        let (out8, _) = out.as_chunks_mut::<8>();
        for (group, [low, high]) in widen(bytes).into_iter().enumerate() {
            store(&mut out8[2 * group], low);
            store(&mut out8[2 * group + 1], high);
        }
    }
    for (i, out) in out_tail.iter_mut().enumerate() {
        *out = scalar::widen(row.dense_type, row.bytes, first_of_tail + i);
    }
}

#[target_feature(enable = "avx2,f16c")]
pub fn output_gemv(rows: DenseRows, x: &[f32], out: &mut [f32], recorder: &mut Recorder) {
    dot_rows(rows, x, out);
    let name = KernelName::output_gemv(rows.dense_type);
    recorder.record(name, Isa::Avx2, out.len() * rows.n_cols);
}

#[target_feature(enable = "avx2,f16c")]
pub fn argmax(logits: &[f32], recorder: &mut Recorder) -> Result<usize, NonFinite> {
    let (chunks, tail) = logits.as_chunks::<8>();
    let mut max = _mm256_set1_ps(f32::NEG_INFINITY);
    let mut magnitudes = _mm256_setzero_si256();
    for chunk in chunks {
        let x = load(chunk);
        max = _mm256_max_ps(max, x);
        magnitudes = _mm256_max_epi32(magnitudes, magnitude_bits(x));
    }
    if super::lanes::max_i32(magnitudes) >= 0x7f80_0000 {
        check_finite(logits)?;
    }
    check_finite(tail).map_err(|e| NonFinite {
        element: chunks.len() * 8 + e.element,
        ..e
    })?;
    let max = tail.iter().fold(max_f32(max), |m, &x| m.max(x));
    recorder.record(KernelName::Argmax, Isa::Avx2, logits.len());
    // `==` holds for zeros of both signs, as the contract's `>` wants it.
    Ok(logits.iter().position(|&x| x == max).unwrap_or(0))
}
