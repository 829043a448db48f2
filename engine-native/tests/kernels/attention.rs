//! RoPE, the KV cache store and attention.

use engine_native::{
    AttentionScratch, DenseRows, DenseType, Kernels, Queries, Recorder, RopeAngles, RopePairs,
};

use crate::{
    compare::{Mismatch, Output, compare, computed},
    inputs::{CACHE_TYPES, LENGTHS, Regime, SHIFTS, dense, floats, random},
    shifted,
};

/// Head dimensions of real models, and others that leave a tail in every loop.
const HEAD_DIMS: [usize; 10] = [2, 6, 18, 34, 64, 66, 80, 96, 128, 136];
/// Numbers of keys: around the block sizes, and many.
const N_ATTENDED: [usize; 11] = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 131];

fn rope(
    heads: &[f32],
    head_dim: usize,
    pairs: RopePairs,
    angles: (&[f32], &[f32]),
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let mut heads = shifted::floats_mut(heads, shift);
        let cos = shifted::floats(angles.0, shift + 1);
        let sin = shifted::floats(angles.1, shift + 2);
        let angles = RopeAngles {
            cos: &cos,
            sin: &sin,
            pairs,
        };
        kernels.rope(&mut heads, head_dim, angles, recorder);
        Ok(heads.bits())
    }
}

fn kv_store(
    x: &[f32],
    cache_type: DenseType,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let mut out = shifted::output_bytes(cache_type.row_bytes(x.len()), shift);
        kernels.kv_store(&shifted::floats(x, shift), cache_type, &mut out, recorder)?;
        Ok(out.bits())
    }
}

/// Keys or values of one head.
struct Cache {
    dense_type: DenseType,
    head_dim: usize,
    bytes: Vec<u8>,
}

impl Cache {
    fn new(dense_type: DenseType, head_dim: usize, n: usize, regime: Regime, seed: u64) -> Self {
        Self {
            dense_type,
            head_dim,
            bytes: dense(dense_type, n * head_dim, regime, seed),
        }
    }

    fn n(&self) -> usize {
        self.bytes.len() / self.dense_type.row_bytes(self.head_dim)
    }

    fn rows<'a>(&self, bytes: &'a [u8]) -> DenseRows<'a> {
        DenseRows {
            dense_type: self.dense_type,
            n_cols: self.head_dim,
            bytes,
        }
    }
}

/// A few positions with a few heads each. The last one attends to the whole cache.
#[derive(Clone, Copy)]
struct Grid {
    n_positions: usize,
    n_heads: usize,
}

impl Grid {
    const ALL: [Self; 6] = [
        Self::new(1, 1),
        Self::new(1, 4),
        Self::new(1, 3),
        Self::new(2, 1),
        Self::new(3, 4),
        Self::new(4, 2),
    ];

    const fn new(n_positions: usize, n_heads: usize) -> Self {
        Self {
            n_positions,
            n_heads,
        }
    }

    /// The first position. There are at least as many keys as positions.
    fn first(self, n_keys: usize) -> usize {
        n_keys - self.n_positions
    }

    fn n_queries(self) -> usize {
        self.n_positions * self.n_heads
    }

    fn scratch(self, head_dim: usize) -> AttentionScratch {
        AttentionScratch::new(self.n_queries(), head_dim)
    }

    /// Overwrites, in rows of `n_keys`, the elements that no position attends to.
    fn clear_unseen(self, rows: &mut [f32], n_keys: usize) {
        for (i, row) in rows.chunks_exact_mut(n_keys).enumerate() {
            row[self.first(n_keys) + i / self.n_heads + 1..].fill(0.0);
        }
    }
}

fn scores(
    queries: &[f32],
    grid: Grid,
    keys: &Cache,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let bytes = shifted::bytes(&keys.bytes, shift);
        let queries = shifted::floats(queries, shift);
        let len = grid.n_heads * keys.head_dim;
        let of_positions: Vec<&[f32]> = queries.chunks_exact(len).collect();
        let mut scores = shifted::output(grid.n_queries() * keys.n(), shift + 3);
        let queries = Queries {
            of_positions: &of_positions,
            first: grid.first(keys.n()),
            head_dim: keys.head_dim,
        };
        let scale = 1.0 / (keys.head_dim as f32).sqrt();
        let (rows, scratch) = (keys.rows(&bytes), &mut grid.scratch(keys.head_dim));
        kernels.attention_scores(queries, rows, scale, &mut scores, scratch, recorder);
        grid.clear_unseen(&mut scores, keys.n());
        Ok(scores.bits())
    }
}

fn softmax(scores: &[f32], shift: usize) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let mut scores = shifted::floats_mut(scores, shift);
        kernels.softmax(&mut scores, recorder).map_err(computed)?;
        Ok(scores.bits())
    }
}

fn weighted_values(
    weights: &[f32],
    grid: Grid,
    values: &Cache,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let bytes = shifted::bytes(&values.bytes, shift);
        let weights = shifted::floats(weights, shift);
        let (rows, first) = (values.rows(&bytes), grid.first(values.n()));
        let mut out = shifted::output(grid.n_queries() * values.head_dim, shift + 3);
        let of_positions = out.chunks_exact_mut(grid.n_heads * values.head_dim);
        let mut of_positions: Vec<&mut [f32]> = of_positions.collect();
        let scratch = &mut grid.scratch(values.head_dim);
        kernels.attention_values(&weights, rows, first, &mut of_positions, scratch, recorder);
        Ok(out.bits())
    }
}

/// Half lengths 1 to 19 and those of real heads. Rotates the whole head, or all but two of its
/// elements.
pub fn rope_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for half in (1..=19).chain([32, 33, 40, 64]) {
        for (shift, unrotated) in SHIFTS.flat_map(|shift| [(shift, 0), (shift, 2)]) {
            let head_dim = 2 * half + unrotated;
            let heads = floats(Regime::Uneven, 3 * head_dim, 1);
            let angles = floats(Regime::Ordinary, 2 * half, 2);
            for pairs in [RopePairs::Halves, RopePairs::Neighbours] {
                let case = rope(&heads, head_dim, pairs, angles.split_at(half), shift);
                let what = format!("rope of {half} pairs, {pairs:?}, at {shift}");
                compare(candidate, what, case)?;
            }
        }
    }
    Ok(())
}

pub fn rope_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (70, 5), |candidate, draw| {
        let head_dim = 2 * draw.n;
        let heads = draw.floats(draw.m * head_dim, 0);
        let angles = draw.floats(2 * draw.n, 1);
        let pairs = match draw.seed % 2 {
            0 => RopePairs::Halves,
            _ => RopePairs::Neighbours,
        };
        let case = rope(&heads, head_dim, pairs, angles.split_at(draw.n), draw.shift);
        compare(candidate, "rope", case)
    })
}

pub fn kv_store_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (n, shift) in LENGTHS.flat_map(|n| SHIFTS.map(move |shift| (n, shift))) {
        for cache_type in CACHE_TYPES {
            let mut x = floats(Regime::Ordinary, n, 3);
            let what = format!("kv_store of {n} as {cache_type:?} at {shift}");
            compare(candidate, &what, kv_store(&x, cache_type, shift))?;
            // Two values that overflow F16: the first must be reported.
            (x[n - 1], x[(n - 1) * shift / 8]) = (f32::NEG_INFINITY, 65_520.0);
            compare(candidate, &what, kv_store(&x, cache_type, shift))?;
            x[n - 1] = f32::from_bits(0xffa0_0001);
            compare(candidate, &what, kv_store(&x, cache_type, shift))?;
        }
    }
    Ok(())
}

/// Every finite F16, the ties between adjacent ones, and the F32 neighbours of those.
pub fn kv_store_of_every_half(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    let half = |bits| half::f16::from_bits(bits).to_f32();
    let ties = (0..0x7bff).map(|bits| (half(bits) + half(bits + 1)) / 2.0);
    let largest = [half(0x7bff), 65_519.996];
    let around = |x: f32| [x.next_down(), x, x.next_up()];
    let x: Vec<f32> = ties.flat_map(around).chain(largest).collect();
    let negative: Vec<f32> = x.iter().map(|x| -x).collect();
    compare(candidate, "kv_store", kv_store(&x, DenseType::F16, 0))?;
    compare(
        candidate,
        "kv_store",
        kv_store(&negative, DenseType::F16, 1),
    )
}

pub fn kv_store_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (200, 2), |candidate, draw| {
        let x = draw.floats(draw.n, 0);
        let case = kv_store(&x, CACHE_TYPES[draw.m - 1], draw.shift);
        compare(candidate, "kv_store", case)
    })
}

/// All combinations of cache type, head dimension, number of positions and shift.
fn caches(seed: u64) -> impl Iterator<Item = (Cache, Grid, usize)> {
    let shapes = HEAD_DIMS
        .into_iter()
        .flat_map(|head_dim| N_ATTENDED.map(|n| (head_dim, n)));
    shapes.flat_map(move |(head_dim, n)| {
        let cache = move |dense_type| Cache::new(dense_type, head_dim, n, Regime::Uneven, seed);
        let grids = Grid::ALL.into_iter().filter(move |g| g.n_positions <= n);
        grids.enumerate().flat_map(move |(i, grid)| {
            let shifts = [0, 1 + i % 7];
            shifts.into_iter().flat_map(move |shift| {
                CACHE_TYPES.map(|dense_type| (cache(dense_type), grid, shift))
            })
        })
    })
}

fn describe(cache: &Cache, grid: Grid, shift: usize) -> String {
    format!(
        "{} {:?} of {}, {} heads at {} positions, at {shift}",
        cache.n(),
        cache.dense_type,
        cache.head_dim,
        grid.n_heads,
        grid.n_positions
    )
}

/// A random grid for `n_keys` keys, and random parameters.
fn any_grid(seed: u64, n_keys: usize) -> Grid {
    let fits = |g: &&Grid| g.n_positions <= n_keys;
    let grids: Vec<_> = Grid::ALL.iter().filter(fits).collect();
    *grids[seed as usize % grids.len()]
}

pub fn attention_scores_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (keys, grid, shift) in caches(4) {
        let queries = floats(Regime::Uneven, grid.n_queries() * keys.head_dim, 5);
        let what = format!("attention_scores, keys: {}", describe(&keys, grid, shift));
        compare(candidate, what, scores(&queries, grid, &keys, shift))?;
    }
    Ok(())
}

pub fn attention_scores_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (140, 40), |candidate, draw| {
        let dense_type = CACHE_TYPES[draw.m % 2];
        let keys = Cache::new(dense_type, draw.n, draw.m, draw.regime, draw.seed);
        let grid = any_grid(draw.seed, draw.m);
        let queries = draw.floats(grid.n_queries() * draw.n, 1);
        let case = scores(&queries, grid, &keys, draw.shift);
        compare(candidate, "attention_scores", case)
    })
}

pub fn softmax_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (n, shift) in LENGTHS.flat_map(|n| SHIFTS.map(move |shift| (n, shift))) {
        let what = format!("softmax of {n} at {shift}");
        let mut x = floats(Regime::Ordinary, n, 6);
        compare(candidate, &what, softmax(&x, shift))?;
        compare(candidate, &what, softmax(&vec![-3.0; n], shift))?;
        // One score far above the rest, so that exponentials are clamped; then scores without a
        // finite sum.
        for extreme in [300.0, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            x[n * shift / 8] = extreme;
            compare(candidate, &what, softmax(&x, shift))?;
        }
    }
    Ok(())
}

pub fn softmax_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (300, 1), |candidate, draw| {
        let scores = draw.floats(draw.n, 0);
        compare(candidate, "softmax", softmax(&scores, draw.shift))
    })
}

pub fn attention_values_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (values, grid, shift) in caches(7) {
        let weights = floats(Regime::Ordinary, grid.n_queries() * values.n(), 8);
        let what = format!("attention_values: {}", describe(&values, grid, shift));
        let case = weighted_values(&weights, grid, &values, shift);
        compare(candidate, what, case)?;
    }
    Ok(())
}

pub fn attention_values_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (140, 40), |candidate, draw| {
        let dense_type = CACHE_TYPES[draw.m % 2];
        let values = Cache::new(dense_type, draw.n, draw.m, draw.regime, draw.seed);
        let grid = any_grid(draw.seed, draw.m);
        let weights = draw.floats(grid.n_queries() * draw.m, 1);
        let case = weighted_values(&weights, grid, &values, draw.shift);
        compare(candidate, "attention_values", case)
    })
}
