//! Attention on sixteen lanes.

use std::arch::x86_64::*;

use super::{
    Avx512Vnni,
    lanes::{load, store, tree16_eight},
    linear::PREFETCH_AHEAD,
};
use crate::{
    kernels::{
        attention_blocks::{BlockKernel, Groups},
        avx2::prefetch,
    },
    model::DenseType,
    operands::{DenseRows, Lanes16},
};

impl BlockKernel for Avx512Vnni {
    const KEYS: usize = 8;
    const LANES: usize = 8;

    fn widen(&self, rows: DenseRows, groups: Groups, out: &mut [Lanes16]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F.
        unsafe { widen(rows, groups, out) }
    }

    fn scores(&self, query: &[Lanes16], keys: (&[Lanes16], Groups), scale: f32, out: &mut [f32]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F and DQ, and AVX2.
        unsafe { scores(query, keys, scale, out) }
    }

    fn weigh(&self, weights: &[f32], values: &[Lanes16], sums: &mut [Lanes16]) {
        // SAFETY: `self` proves that the CPU has AVX-512 F.
        unsafe {
            match sums.len() {
                8 => weigh::<8>(weights, values, sums),
                4 => weigh::<4>(weights, values, sums),
                2 => weigh::<2>(weights, values, sums),
                _ => weigh::<1>(weights, values, sums),
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
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

/// Sixteen elements take `B` bytes.
#[target_feature(enable = "avx512f")]
#[inline]
fn widen_groups<const B: usize>(
    rows: DenseRows,
    groups: Groups,
    out: &mut [Lanes16],
    widen: impl Fn(&[u8; B]) -> __m512 + Copy,
) {
    for (start, group) in groups.of(rows.n_cols.div_ceil(16)) {
        let out = &mut out[start * groups.rows..][..group * groups.rows];
        match group {
            8 => widen_group::<8, B>(rows, start, out, widen),
            4 => widen_group::<4, B>(rows, start, out, widen),
            2 => widen_group::<2, B>(rows, start, out, widen),
            _ => widen_group::<1, B>(rows, start, out, widen),
        }
    }
}

/// `G` lanes from lane `start` on of all rows.
#[target_feature(enable = "avx512f")]
#[inline]
fn widen_group<const G: usize, const B: usize>(
    rows: DenseRows,
    start: usize,
    out: &mut [Lanes16],
    widen: impl Fn(&[u8; B]) -> __m512,
) {
    let bytes = rows.bytes.chunks_exact(rows.row_bytes());
    for (row, out) in bytes.zip(out.as_chunks_mut::<G>().0) {
        let row = &row[start * B..];
        if let ([lanes, ..], _) = row.as_chunks::<B>().0.as_chunks::<G>() {
            for j in 0..G {
                if (j * B).is_multiple_of(64) {
                    prefetch(&lanes[j], PREFETCH_AHEAD);
                }
                store(&mut out[j], widen(&lanes[j]));
            }
        } else {
            // The last lanes, not all of whose elements the row has.
            for j in 0..G {
                let mut bytes = [0; B];
                let row = &row[(j * B).min(row.len())..];
                let n = row.len().min(B);
                bytes[..n].copy_from_slice(&row[..n]);
                store(&mut out[j], widen(&bytes));
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx2")]
fn scores(query: &[Lanes16], (keys, groups): (&[Lanes16], Groups), scale: f32, out: &mut [f32]) {
    let mut acc = [_mm512_setzero_ps(); 8];
    for (start, group) in groups.of(query.len()) {
        let query = &query[start..start + group];
        let keys = &keys[start * 8..(start + group) * 8];
        match group {
            8 => add_products::<8>(query, keys, &mut acc),
            4 => add_products::<4>(query, keys, &mut acc),
            2 => add_products::<2>(query, keys, &mut acc),
            _ => add_products::<1>(query, keys, &mut acc),
        }
    }
    let scores = _mm256_mul_ps(tree16_eight(acc), _mm256_set1_ps(scale));
    let mut all = [0.0; 8];
    // SAFETY: the array is 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_ps(all.as_mut_ptr(), scores) };
    match out.as_chunks_mut::<8>() {
        ([out], []) => *out = all,
        (_, rest) => rest.copy_from_slice(&all[..rest.len()]),
    }
}

/// Products of `G` lanes of a query and of each key of a block.
#[target_feature(enable = "avx512f")]
#[inline]
fn add_products<const G: usize>(query: &[Lanes16], keys: &[Lanes16], acc: &mut [__m512; 8]) {
    let ([query], _) = query.as_chunks::<G>() else {
        unreachable!("as many lanes as the group has")
    };
    let ([keys], _) = keys.as_chunks::<G>().0.as_chunks::<8>() else {
        unreachable!("a block of keys")
    };
    for j in 0..G {
        let q = load(&query[j]);
        for r in 0..8 {
            acc[r] = _mm512_add_ps(acc[r], _mm512_mul_ps(q, load(&keys[r][j])));
        }
    }
}

#[target_feature(enable = "avx512f")]
fn weigh<const L: usize>(weights: &[f32], values: &[Lanes16], sums: &mut [Lanes16]) {
    let (sums, _) = sums.as_chunks_mut::<L>();
    let mut acc = [_mm512_setzero_ps(); L];
    for l in 0..L {
        acc[l] = load(&sums[0][l]);
    }
    for (weight, values) in weights.iter().zip(values.as_chunks::<L>().0) {
        let weight = _mm512_set1_ps(*weight);
        for l in 0..L {
            acc[l] = _mm512_add_ps(acc[l], _mm512_mul_ps(weight, load(&values[l])));
        }
    }
    for l in 0..L {
        store(&mut sums[0][l], acc[l]);
    }
}
