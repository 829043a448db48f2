//! Embedding rows, the output matrix and the greedy choice.

use std::arch::x86_64::*;

use super::{
    lanes::{
        load, magnitude_bits, max_f32, max_i32, prefetch, store, store_four, tree16, tree16_four,
    },
    widen::{Lanes, widen_bf16, widen_f16, widen_f32, widen_q4_k, widen_q6_k, widen_q8_0},
};
use crate::{
    kernels::{
        finite::{NonFinite, check_finite},
        scalar,
    },
    ledger::{Isa, KernelName, Recorder},
    model::DenseType,
    operands::DenseRows,
};

/// Prefetch distance of the products, in bytes.
const PREFETCH_AHEAD: usize = 16 << 10;

/// Lanes of dot16 of R rows with `x`. A chunk of a row has `N` elements in `B` bytes, and is
/// widened to `G` groups of 16.
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
            for line in (0..B).step_by(64) {
                prefetch(&row[i], PREFETCH_AHEAD + line);
            }
            add(r, &row[i], x);
        }
    }
    if !x_tail.is_empty() {
        // Zeros after the end do not change any lane.
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
        DenseType::Bf16 => dot_chunks::<R, 32, 16, 1>(rows, x, |b| widen_bf16(b)),
        DenseType::Q8_0 => dot_chunks::<R, 34, 32, 2>(rows, x, |b| widen_q8_0(b)),
        DenseType::Q6K => dot_chunks::<R, 210, 256, 16>(rows, x, |b| widen_q6_k(b)),
        DenseType::Q4K => dot_chunks::<R, 144, 256, 16>(rows, x, |b| widen_q4_k(b)),
    }
}

/// Computes `out[r] = dot16(rows[r], x)`, four rows at a time.
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
        DenseType::Bf16 => widen_row::<32, 16, 1>(row, out, |b| widen_bf16(b)),
        DenseType::Q8_0 => widen_row::<34, 32, 2>(row, out, |b| widen_q8_0(b)),
        DenseType::Q6K => widen_row::<210, 256, 16>(row, out, |b| widen_q6_k(b)),
        DenseType::Q4K => widen_row::<144, 256, 16>(row, out, |b| widen_q4_k(b)),
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
    if max_i32(magnitudes) >= 0x7f80_0000 {
        check_finite(logits)?;
    }
    check_finite(tail).map_err(|e| NonFinite {
        element: chunks.len() * 8 + e.element,
        ..e
    })?;
    let max = tail.iter().fold(max_f32(max), |m, &x| m.max(x));
    recorder.record(KernelName::Argmax, Isa::Avx2, logits.len());
    // `==` treats zeros of both signs as equal, as the scalar kernel's `>` does.
    Ok(logits.iter().position(|&x| x == max).unwrap_or(0))
}
