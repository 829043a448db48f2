//! Attention, eight lanes at a time.

use std::arch::x86_64::*;

use super::{
    Avx2,
    lanes::{load, load_bytes, load_half, prefetch_after, store, store_four, tree16_four},
    widen::Lanes,
};
use crate::{
    kernels::attention_blocks::{BlockKernel, Groups},
    model::DenseType,
    operands::{DenseRows, Lanes16},
};

/// How far ahead of keys and values the cache is asked for them, in bytes.
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
        unsafe {
            match sums.len() {
                4 => weigh::<4>(weights, values, sums),
                2 => weigh::<2>(weights, values, sums),
                _ => weigh::<1>(weights, values, sums),
            }
        }
    }
}

#[target_feature(enable = "avx2,f16c")]
fn widen(rows: DenseRows, groups: Groups, out: &mut [Lanes16]) {
    match rows.dense_type {
        DenseType::F32 => widen_groups::<64>(rows, groups, out, |bytes| {
            let (halves, _) = bytes.as_chunks::<32>();
            [&halves[0], &halves[1]].map(|half| _mm256_castsi256_ps(load_bytes(half)))
        }),
        DenseType::F16 => widen_groups::<32>(rows, groups, out, |bytes| {
            let (halves, _) = bytes.as_chunks::<16>();
            [
                _mm256_cvtph_ps(load_half(&halves[0])),
                _mm256_cvtph_ps(load_half(&halves[1])),
            ]
        }),
        other => panic!("{other} is no type of a KV cache"),
    }
}

/// Sixteen elements take `B` bytes.
#[target_feature(enable = "avx2,f16c")]
#[inline]
fn widen_groups<const B: usize>(
    rows: DenseRows,
    groups: Groups,
    out: &mut [Lanes16],
    widen: impl Fn(&[u8; B]) -> Lanes + Copy,
) {
    for (start, group) in groups.of(rows.n_cols.div_ceil(16)) {
        let out = &mut out[start * groups.rows..][..group * groups.rows];
        match group {
            4 => widen_group::<4, B>(rows, start, out, widen),
            2 => widen_group::<2, B>(rows, start, out, widen),
            _ => widen_group::<1, B>(rows, start, out, widen),
        }
    }
}

/// `G` lanes from lane `start` on of all rows.
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
            // The last lanes, not all of whose elements the row has.
            for j in 0..G {
                let mut bytes = [0; B];
                let row = &row[(j * B).min(row.len())..];
                let n = row.len().min(B);
                bytes[..n].copy_from_slice(&row[..n]);
                store_lanes(&mut out[j], widen(&bytes));
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn scores(query: &[Lanes16], (keys, groups): (&[Lanes16], Groups), scale: f32, out: &mut [f32]) {
    let mut acc = [[_mm256_setzero_ps(); 2]; 4];
    for (start, group) in groups.of(query.len()) {
        let query = &query[start..start + group];
        let keys = &keys[start * 4..(start + group) * 4];
        match group {
            4 => add_products::<4>(query, keys, &mut acc),
            2 => add_products::<2>(query, keys, &mut acc),
            _ => add_products::<1>(query, keys, &mut acc),
        }
    }
    let mut all = [0.0; 4];
    store_four(&mut all, _mm_mul_ps(tree16_four(acc), _mm_set1_ps(scale)));
    match out.as_chunks_mut::<4>() {
        ([out], []) => *out = all,
        (_, rest) => rest.copy_from_slice(&all[..rest.len()]),
    }
}

/// Products of `G` lanes of a query and of each key of a block.
#[target_feature(enable = "avx2")]
#[inline]
fn add_products<const G: usize>(query: &[Lanes16], keys: &[Lanes16], acc: &mut [Lanes; 4]) {
    let ([query], _) = query.as_chunks::<G>() else {
        unreachable!("as many lanes as the group has")
    };
    let ([keys], _) = keys.as_chunks::<G>().0.as_chunks::<4>() else {
        unreachable!("a block of keys")
    };
    for j in 0..G {
        let q = load_lanes(&query[j]);
        for r in 0..4 {
            let k = load_lanes(&keys[r][j]);
            for half in 0..2 {
                acc[r][half] = _mm256_add_ps(acc[r][half], _mm256_mul_ps(q[half], k[half]));
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn weigh<const L: usize>(weights: &[f32], values: &[Lanes16], sums: &mut [Lanes16]) {
    let (sums, _) = sums.as_chunks_mut::<L>();
    let mut acc = [[_mm256_setzero_ps(); 2]; L];
    for l in 0..L {
        acc[l] = load_lanes(&sums[0][l]);
    }
    for (weight, values) in weights.iter().zip(values.as_chunks::<L>().0) {
        let weight = _mm256_set1_ps(*weight);
        for l in 0..L {
            let v = load_lanes(&values[l]);
            for half in 0..2 {
                acc[l][half] = _mm256_add_ps(acc[l][half], _mm256_mul_ps(weight, v[half]));
            }
        }
    }
    for l in 0..L {
        store_lanes(&mut sums[0][l], acc[l]);
    }
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
