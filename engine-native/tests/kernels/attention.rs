//! RoPE, the KV cache and attention of one head.

use engine_native::{DenseRows, DenseType, Kernels, Recorder, RopeAngles, RopePairs};

use crate::{
    compare::{Mismatch, Output, compare, computed},
    inputs::{CACHE_TYPES, LENGTHS, Regime, SHIFTS, dense, floats, random},
    shifted,
};

/// Head dimensions of real models, and others that leave a tail in every loop.
const HEAD_DIMS: [usize; 10] = [2, 6, 18, 34, 64, 66, 80, 96, 128, 136];
/// Numbers of attended positions: around the four keys that are taken together, and many.
const N_ATTENDED: [usize; 9] = [1, 2, 3, 4, 5, 7, 8, 9, 131];

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

fn scores(
    query: &[f32],
    keys: &Cache,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let bytes = shifted::bytes(&keys.bytes, shift);
        let query = shifted::floats(query, shift);
        let mut scores = shifted::output(keys.n(), shift + 3);
        let scale = 1.0 / (keys.head_dim as f32).sqrt();
        let rows = keys.rows(&bytes);
        kernels
            .attention_scores(&query, rows, scale, &mut scores, recorder)
            .map_err(computed)?;
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
    values: &Cache,
    shift: usize,
) -> impl Fn(&dyn Kernels, &mut Recorder) -> Output {
    move |kernels, recorder| {
        let bytes = shifted::bytes(&values.bytes, shift);
        let weights = shifted::floats(weights, shift);
        let mut out = shifted::output(values.head_dim, shift + 3);
        kernels.attention_values(&weights, values.rows(&bytes), &mut out, recorder);
        Ok(out.bits())
    }
}

/// Half lengths 1 to 19 and of real heads; the whole head, or all but two of its elements rotated.
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
            // Two that cannot be stored as F16: the first is reported.
            (x[n - 1], x[(n - 1) * shift / 8]) = (f32::NEG_INFINITY, 65_520.0);
            compare(candidate, &what, kv_store(&x, cache_type, shift))?;
            x[n - 1] = f32::from_bits(0xffa0_0001);
            compare(candidate, &what, kv_store(&x, cache_type, shift))?;
        }
    }
    Ok(())
}

/// Every finite F16, the ties between neighbours, and their neighbours in F32.
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

/// Cache types, head dimensions, numbers of positions and shifts.
fn caches(seed: u64) -> impl Iterator<Item = (Cache, usize)> {
    let shapes = HEAD_DIMS
        .into_iter()
        .flat_map(|head_dim| N_ATTENDED.map(|n| (head_dim, n)));
    shapes.flat_map(move |(head_dim, n)| {
        let cache = move |dense_type| Cache::new(dense_type, head_dim, n, Regime::Uneven, seed);
        SHIFTS.flat_map(move |shift| CACHE_TYPES.map(|dense_type| (cache(dense_type), shift)))
    })
}

pub fn attention_scores_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (keys, shift) in caches(4) {
        let query = floats(Regime::Uneven, keys.head_dim, 5);
        let what = format!(
            "attention_scores of {} {:?} keys of {} at {shift}",
            keys.n(),
            keys.dense_type,
            keys.head_dim
        );
        compare(candidate, what, scores(&query, &keys, shift))?;
    }
    Ok(())
}

pub fn attention_scores_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (140, 40), |candidate, draw| {
        let dense_type = CACHE_TYPES[draw.m % 2];
        let keys = Cache::new(dense_type, draw.n, draw.m, draw.regime, draw.seed);
        let query = draw.floats(draw.n, 1);
        let case = scores(&query, &keys, draw.shift);
        compare(candidate, "attention_scores", case)
    })
}

pub fn softmax_of_every_length(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    for (n, shift) in LENGTHS.flat_map(|n| SHIFTS.map(move |shift| (n, shift))) {
        let what = format!("softmax of {n} at {shift}");
        let mut x = floats(Regime::Ordinary, n, 6);
        compare(candidate, &what, softmax(&x, shift))?;
        compare(candidate, &what, softmax(&vec![-3.0; n], shift))?;
        // One score far above the rest, whose exponentials are clamped; then ones without a sum.
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
    for (values, shift) in caches(7) {
        let weights = floats(Regime::Ordinary, values.n(), 8);
        let what = format!(
            "attention_values of {} {:?} values of {} at {shift}",
            values.n(),
            values.dense_type,
            values.head_dim
        );
        compare(candidate, what, weighted_values(&weights, &values, shift))?;
    }
    Ok(())
}

pub fn attention_values_of_random_input(candidate: &dyn Kernels) -> Result<(), Mismatch> {
    random(candidate, (140, 40), |candidate, draw| {
        let dense_type = CACHE_TYPES[draw.m % 2];
        let values = Cache::new(dense_type, draw.n, draw.m, draw.regime, draw.seed);
        let weights = draw.floats(draw.m, 1);
        let case = weighted_values(&weights, &values, draw.shift);
        compare(candidate, "attention_values", case)
    })
}
