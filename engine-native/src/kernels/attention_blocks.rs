//! Attention in blocks: a block of keys or values is widened to f32 once and used for all queries
//! while it is in the cache.
//!
//! An ISA supplies the widening and the products. Blocks do not change the order of any sum: scores
//! are independent of each other, and a weighted sum continues where the last block ended.

use crate::operands::{AttentionScratch, BLOCK_ROWS, DenseRows, Lanes16, Queries, assert_sums_fit};

/// How an ISA computes on a block of rows.
pub trait BlockKernel {
    /// Keys in a block, at most [`BLOCK_ROWS`].
    const KEYS: usize;
    /// Lanes of the largest group, a power of two. Their sums stay in registers.
    const LANES: usize;

    /// Widens a block of rows to lanes, zero-padded at the end of each row.
    fn widen(&self, rows: DenseRows, groups: Groups, out: &mut [Lanes16]);

    /// `out[r] = dot16(query, keys[r]) · scale` for a block of [`BlockKernel::KEYS`] keys.
    fn scores(&self, query: &[Lanes16], keys: (&[Lanes16], Groups), scale: f32, out: &mut [f32]);

    /// `sums[i] += weights[t] · values[t * sums.len() + i]`, t ascending. `sums` is one group of
    /// lanes.
    fn weigh(&self, weights: &[f32], values: &[Lanes16], sums: &mut [Lanes16]);
}

/// Memory layout of the lanes of a block: in groups, each of which holds all rows. Lane j of row r,
/// in a group of G lanes that starts at lane l, is at `l · rows + r · G + j`. A lane here is a
/// vector of sixteen elements.
#[derive(Debug, Clone, Copy)]
pub struct Groups {
    /// Rows of a full block.
    pub rows: usize,
    /// Lanes of the largest group, a power of two. The last groups of a row may be smaller.
    pub largest: usize,
}

impl Groups {
    /// The first lane and the number of lanes of each group, of a row of `n_lanes` lanes.
    pub fn of(self, n_lanes: usize) -> impl Iterator<Item = (usize, usize)> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let left = n_lanes - start;
            let group = (left > 0).then(|| self.largest.min(1 << left.ilog2()))?;
            start += group;
            Some((start - group, group))
        })
    }
}

/// Computes `scores[i][t] = dot16(query i, key t) · scale`, in rows of `queries.n_keys()`.
pub fn scores<K: BlockKernel>(
    kernel: &K,
    queries: Queries,
    keys: DenseRows,
    scale: f32,
    scores: &mut [f32],
    scratch: &mut AttentionScratch,
) {
    queries.assert_fit(keys, scores);
    let n_keys = queries.n_keys();
    let n_lanes = queries.head_dim.div_ceil(16);
    let heads = queries.of_positions.iter();
    let heads = heads.flat_map(|heads| heads.chunks_exact(queries.head_dim));
    for (head, lanes) in heads.zip(scratch.heads.chunks_exact_mut(n_lanes)) {
        fill(head, lanes);
    }
    let groups = Groups {
        rows: K::KEYS,
        largest: K::LANES,
    };
    let block = &mut scratch.rows[..n_lanes * K::KEYS];
    for first in (0..n_keys).step_by(K::KEYS) {
        let n_rows = K::KEYS.min(n_keys - first);
        kernel.widen(keys.rows(first, n_rows), groups, block);
        let queries_lanes = scratch.heads.chunks_exact(n_lanes);
        for (i, (query, scores)) in queries_lanes
            .zip(scores.chunks_exact_mut(n_keys))
            .enumerate()
        {
            let n_visible = queries.first + i / queries.n_heads() + 1;
            if first < n_visible {
                let out = &mut scores[first..n_visible.min(first + K::KEYS)];
                kernel.scores(query, (block, groups), scale, out);
            }
        }
    }
}

/// Computes `out[i] = Σ_t weights[i][t] · values[t]`, t ascending. `weights` has rows of `first +
/// out.len()`, position after position. Returns the multiply-accumulates.
pub fn weighted_sums<K: BlockKernel>(
    kernel: &K,
    weights: &[f32],
    values: DenseRows,
    first: usize,
    out: &mut [&mut [f32]],
    scratch: &mut AttentionScratch,
) -> usize {
    let macs = assert_sums_fit(weights, values, first, out);
    let head_dim = values.n_cols;
    let n_keys = first + out.len();
    let n_heads = out.first().map_or(0, |out| out.len()) / head_dim;
    let n_lanes = head_dim.div_ceil(16);
    let sums = &mut scratch.heads[..out.len() * n_heads * n_lanes];
    sums.fill(Lanes16([0.0; 16]));
    let groups = Groups {
        rows: BLOCK_ROWS,
        largest: K::LANES,
    };
    for start in (0..n_keys).step_by(BLOCK_ROWS) {
        let n_rows = BLOCK_ROWS.min(n_keys - start);
        kernel.widen(values.rows(start, n_rows), groups, &mut scratch.rows);
        let of_heads = sums.chunks_exact_mut(n_lanes);
        for (i, (sums, weights)) in of_heads.zip(weights.chunks_exact(n_keys)).enumerate() {
            let n_visible = first + i / n_heads + 1;
            if start >= n_visible {
                continue;
            }
            let weights = &weights[start..n_visible.min(start + n_rows)];
            for (lanes, group) in groups.of(n_lanes) {
                let rows = &scratch.rows[lanes * BLOCK_ROWS..];
                kernel.weigh(weights, rows, &mut sums[lanes..lanes + group]);
            }
        }
    }
    let outs = out
        .iter_mut()
        .flat_map(|out| out.chunks_exact_mut(head_dim));
    for (out, sums) in outs.zip(sums.chunks_exact(n_lanes)) {
        for (out, lanes) in out.chunks_mut(16).zip(sums) {
            out.copy_from_slice(&lanes.0[..out.len()]);
        }
    }
    macs
}

fn fill(x: &[f32], lanes: &mut [Lanes16]) {
    for (x, lanes) in x.chunks(16).zip(lanes) {
        lanes.0 = [0.0; 16];
        lanes.0[..x.len()].copy_from_slice(x);
    }
}

/// The `j`-th sixteen elements of a row, which take `B` bytes, padded with zeros after its end.
pub fn padded<const B: usize>(row: &[u8], j: usize) -> [u8; B] {
    let mut bytes = [0; B];
    let row = &row[(j * B).min(row.len())..];
    let n = row.len().min(B);
    bytes[..n].copy_from_slice(&row[..n]);
    bytes
}

/// Writes the scores of a block of keys; `out` may be shorter at the end of a row.
pub fn write_scores<const KEYS: usize>(scores: [f32; KEYS], out: &mut [f32]) {
    match out.as_chunks_mut() {
        ([out], []) => *out = scores,
        (_, rest) => rest.copy_from_slice(&scores[..rest.len()]),
    }
}

/// Defines the loops of a [`BlockKernel`] over groups of lanes, compiled for the features of an
/// ISA. A group has one of the given numbers of lanes, or one lane.
///
/// Uses these definitions of the ISA: the type `Lanes`, the functions `zero`, `splat`,
/// `load_lanes`, `store_lanes` and `add_product` on it, and `widen_group`.
macro_rules! lane_loops {
    ($features:literal, $keys:literal keys, groups of $($n:literal)+ or 1) => {
        /// Widens all rows, group by group. Sixteen elements take `B` bytes.
        #[target_feature(enable = $features)]
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
                    $($n => widen_group::<$n, B>(rows, start, out, widen),)+
                    _ => widen_group::<1, B>(rows, start, out, widen),
                }
            }
        }

        /// The products of a query with each key of a block, summed in sixteen lanes.
        #[target_feature(enable = $features)]
        #[inline]
        fn dot_lanes(query: &[Lanes16], (keys, groups): (&[Lanes16], Groups)) -> [Lanes; $keys] {
            let mut acc = [zero(); $keys];
            for (start, group) in groups.of(query.len()) {
                let query = &query[start..start + group];
                let keys = &keys[start * $keys..(start + group) * $keys];
                match group {
                    $($n => add_products::<$n>(query, keys, &mut acc),)+
                    _ => add_products::<1>(query, keys, &mut acc),
                }
            }
            acc
        }

        /// Adds the products of `G` lanes of a query and of each key of a block.
        #[target_feature(enable = $features)]
        #[inline]
        fn add_products<const G: usize>(
            query: &[Lanes16],
            keys: &[Lanes16],
            acc: &mut [Lanes; $keys],
        ) {
            let ([query], _) = query.as_chunks::<G>() else {
                unreachable!("as many lanes as the group has")
            };
            let ([keys], _) = keys.as_chunks::<G>().0.as_chunks::<$keys>() else {
                unreachable!("a block of keys")
            };
            for j in 0..G {
                let q = load_lanes(&query[j]);
                for r in 0..$keys {
                    acc[r] = add_product(acc[r], q, load_lanes(&keys[r][j]));
                }
            }
        }

        #[target_feature(enable = $features)]
        fn weigh(weights: &[f32], values: &[Lanes16], sums: &mut [Lanes16]) {
            match sums.len() {
                $($n => weigh_group::<$n>(weights, values, sums),)+
                _ => weigh_group::<1>(weights, values, sums),
            }
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn weigh_group<const G: usize>(
            weights: &[f32],
            values: &[Lanes16],
            sums: &mut [Lanes16],
        ) {
            let (sums, _) = sums.as_chunks_mut::<G>();
            let mut acc = [zero(); G];
            for j in 0..G {
                acc[j] = load_lanes(&sums[0][j]);
            }
            for (weight, values) in weights.iter().zip(values.as_chunks::<G>().0) {
                let weight = splat(*weight);
                for j in 0..G {
                    acc[j] = add_product(acc[j], weight, load_lanes(&values[j]));
                }
            }
            for j in 0..G {
                store_lanes(&mut sums[0][j], acc[j]);
            }
        }
    };
}
pub(super) use lane_loops;
