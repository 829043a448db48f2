//! Attention, block by block, with one vector for sixteen lanes.

use std::arch::x86_64::*;

use super::{
    lanes::{load as load_lanes, store as store_lanes, tree16_eight},
    linear::PREFETCH_AHEAD,
    token::Avx512Vnni,
};
use crate::{
    kernels::{
        attention_blocks::{BlockKernel, Groups, lane_loops, padded, write_scores},
        avx2::prefetch,
    },
    model::DenseType,
    operands::{DenseRows, Lanes16},
};

type Lanes = __m512;

impl BlockKernel for Avx512Vnni {
    const KEYS: usize = 8;
    const LANES: usize = 8;

    fn widen(&self, rows: DenseRows, groups: Groups, out: &mut [Lanes16]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F and DQ, and AVX2.
        unsafe { widen(rows, groups, out) }
    }

    fn scores(&self, query: &[Lanes16], keys: (&[Lanes16], Groups), scale: f32, out: &mut [f32]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F and DQ, and AVX2.
        unsafe { scores(query, keys, scale, out) }
    }

    fn weigh(&self, weights: &[f32], values: &[Lanes16], sums: &mut [Lanes16]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F and DQ, and AVX2.
        unsafe { weigh(weights, values, sums) }
    }
}

lane_loops! { "avx512f,avx512dq,avx2", 8 keys, groups of 8 4 2 or 1 }

#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn widen(rows: DenseRows, groups: Groups, out: &mut [Lanes16]) {
    match rows.dense_type {
        DenseType::F32 => widen_groups::<64>(rows, groups, out, |bytes| {
            // SAFETY: the array is 64 readable bytes; the load needs no alignment.
            unsafe { _mm512_loadu_ps(bytes.as_ptr().cast()) }
        }),
        DenseType::F16 => widen_groups::<32>(rows, groups, out, |bytes| {
            // SAFETY: the array is 32 readable bytes; the load needs no alignment.
            _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) })
        }),
        other => panic!("{other} is no type of a KV cache"),
    }
}

/// Widens `G` lanes from lane `start` on of all rows.
#[target_feature(enable = "avx512f,avx512dq,avx2")]
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
        if let ([lanes, ..], _) = row.as_chunks::<B>().0.as_chunks::<G>() {
            for j in 0..G {
                if (j * B).is_multiple_of(64) {
                    prefetch(&lanes[j], PREFETCH_AHEAD);
                }
                store_lanes(&mut out[j], widen(&lanes[j]));
            }
        } else {
            for (j, out) in out.iter_mut().enumerate() {
                store_lanes(out, widen(&padded(row, j)));
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn scores(query: &[Lanes16], keys: (&[Lanes16], Groups), scale: f32, out: &mut [f32]) {
    let sums = tree16_eight(dot_lanes(query, keys));
    let mut scores = [0.0; 8];
    // SAFETY: the array is 32 writable bytes; the store needs no alignment.
    unsafe {
        _mm256_storeu_ps(
            scores.as_mut_ptr(),
            _mm256_mul_ps(sums, _mm256_set1_ps(scale)),
        )
    };
    write_scores(scores, out);
}

#[target_feature(enable = "avx512f")]
#[inline]
fn zero() -> Lanes {
    _mm512_setzero_ps()
}

#[target_feature(enable = "avx512f")]
#[inline]
fn splat(x: f32) -> Lanes {
    _mm512_set1_ps(x)
}

/// `acc + a · b`, rounded after each of the two operations.
#[target_feature(enable = "avx512f")]
#[inline]
fn add_product(acc: Lanes, a: Lanes, b: Lanes) -> Lanes {
    _mm512_add_ps(acc, _mm512_mul_ps(a, b))
}
