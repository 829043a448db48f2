//! Attention, block by block, with two vectors for sixteen lanes.

use std::arch::x86_64::*;

use super::{
    lanes::{load, prefetch_after, store, store_four, tree16_four},
    token::Avx2,
    widen::{Lanes, widen_f16, widen_f32},
};
use crate::{
    kernels::attention_blocks::{BlockKernel, Groups, lane_loops, padded, write_scores},
    model::DenseType,
    operands::{DenseRows, Lanes16},
};

/// How far ahead keys and values are prefetched, in bytes.
const PREFETCH_AHEAD: usize = 16 << 10;

impl BlockKernel for Avx2 {
    const KEYS: usize = 4;
    const LANES: usize = 4;

    fn widen(&self, rows: DenseRows, groups: Groups, out: &mut [Lanes16]) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { widen(rows, groups, out) }
    }

    fn scores(&self, query: &[Lanes16], keys: (&[Lanes16], Groups), scale: f32, out: &mut [f32]) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { scores(query, keys, scale, out) }
    }

    fn weigh(&self, weights: &[f32], values: &[Lanes16], sums: &mut [Lanes16]) {
        // SAFETY: `self` proves that the CPU has AVX2 and F16C.
        unsafe { weigh(weights, values, sums) }
    }
}

lane_loops! { "avx2,f16c", 4 keys, groups of 4 2 or 1 }

#[target_feature(enable = "avx2,f16c")]
fn widen(rows: DenseRows, groups: Groups, out: &mut [Lanes16]) {
    match rows.dense_type {
        DenseType::F32 => widen_groups(rows, groups, out, |bytes| widen_f32(bytes)[0]),
        DenseType::F16 => widen_groups(rows, groups, out, |bytes| widen_f16(bytes)[0]),
        other => panic!("{other} is no type of a KV cache"),
    }
}

/// Widens `G` lanes from lane `start` on of all rows.
#[target_feature(enable = "avx2,f16c")]
#[inline]
fn widen_group<const G: usize, const B: usize>(
    rows: DenseRows,
    start: usize,
    out: &mut [Lanes16],
    widen: impl Fn(&[u8; B]) -> Lanes,
) {
    let bytes = rows.bytes.chunks_exact(rows.row_bytes());
    for (row, out) in bytes.zip(out.as_chunks_mut::<G>().0) {
        let row = &row[start * B..];
        prefetch_after(row, G * B, PREFETCH_AHEAD);
        if let ([lanes, ..], _) = row.as_chunks::<B>().0.as_chunks::<G>() {
            for j in 0..G {
                store_lanes(&mut out[j], widen(&lanes[j]));
            }
        } else {
            for (j, out) in out.iter_mut().enumerate() {
                store_lanes(out, widen(&padded(row, j)));
            }
        }
    }
}

#[target_feature(enable = "avx2,f16c")]
fn scores(query: &[Lanes16], keys: (&[Lanes16], Groups), scale: f32, out: &mut [f32]) {
    let sums = tree16_four(dot_lanes(query, keys));
    let mut scores = [0.0; 4];
    store_four(&mut scores, _mm_mul_ps(sums, _mm_set1_ps(scale)));
    write_scores(scores, out);
}

#[target_feature(enable = "avx2")]
#[inline]
fn zero() -> Lanes {
    [_mm256_setzero_ps(); 2]
}

#[target_feature(enable = "avx2")]
#[inline]
fn splat(x: f32) -> Lanes {
    [_mm256_set1_ps(x); 2]
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_lanes(x: &Lanes16) -> Lanes {
    let (halves, _) = x.0.as_chunks::<8>();
    [load(&halves[0]), load(&halves[1])]
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_lanes(out: &mut Lanes16, x: Lanes) {
    let (halves, _) = out.0.as_chunks_mut::<8>();
    store(&mut halves[0], x[0]);
    store(&mut halves[1], x[1]);
}

/// `acc + a · b`, rounded after each of the two operations.
#[target_feature(enable = "avx2")]
#[inline]
fn add_product(acc: Lanes, a: Lanes, b: Lanes) -> Lanes {
    [
        _mm256_add_ps(acc[0], _mm256_mul_ps(a[0], b[0])),
        _mm256_add_ps(acc[1], _mm256_mul_ps(a[1], b[1])),
    ]
}
