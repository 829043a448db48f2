//! Grouped ternary rows: weights and scales as each type stores them.

use guest_reference::half;
use guest_reference::ternary::{GroupedType, weight};

use super::gguf::{Gguf, I2_S};
use super::random::Random;

/// Types with their numbers in files.
pub const TYPES: [(GroupedType, u32); 3] = [
    (GroupedType::Q2_0, 42),
    (GroupedType::Pq2_0, 142),
    (GroupedType::Ptq1_0, 143),
];

/// Stores a row of weights; `scales` has the half of every 64 of them.
pub fn row(grouped_type: GroupedType, weights: &[i8], scales: &[u16]) -> Vec<u8> {
    let block = grouped_type.column_multiple();
    let scales = scales.chunks(block / 64).map(|s| s[0].to_le_bytes());
    let blocks = weights.chunks(block).zip(scales);
    blocks
        .flat_map(|(w, d)| match grouped_type {
            GroupedType::Ptq1_0 => [trits_of_128(w), d.to_vec()].concat(),
            _ => [d.to_vec(), codes(w)].concat(),
        })
        .collect()
}

fn codes(w: &[i8]) -> Vec<u8> {
    let code = |(n, w): (usize, &i8)| ((w + 1) as u8) << (2 * n);
    w.chunks(4)
        .map(|w| w.iter().enumerate().map(code).sum())
        .collect()
}

fn trits_of_128(w: &[i8]) -> Vec<u8> {
    let part = |first: usize, n_bytes: usize, n_trits: usize| -> Vec<u8> {
        let weights = |m| (0..n_trits).map(move |n| w[first + m + n_bytes * n]);
        (0..n_bytes).map(|m| trits(weights(m))).collect()
    };
    [part(0, 16, 5), part(80, 8, 5), part(120, 2, 4)].concat()
}

/// A byte of up to five trits. The first is the most significant; rounded up so that multiplying
/// finds it.
pub fn trits(weights: impl ExactSizeIterator<Item = i8>) -> u8 {
    let missing = 5 - weights.len() as u32;
    let q = weights.fold(0, |q, w| 3 * q + u32::from((w + 1) as u8));
    (q * 3u32.pow(missing) * 256).div_ceil(243) as u8
}

/// Random weights.
pub fn weights(random: &mut Random, n: usize) -> Vec<i8> {
    (0..n)
        .map(|_| ((random.bits() >> 32) % 3) as i8 - 1)
        .collect()
}

/// Random halves from 1/32 to 1/16, the same for both 64 of 128.
pub fn scales(random: &mut Random, n: usize) -> Vec<u16> {
    let mut half = || half::narrow(0.047 + 0.015 * random.float()).expect("in range");
    let pairs = (0..n.div_ceil(2)).flat_map(|_| [half()].repeat(2));
    pairs.collect::<Vec<_>>()[..n].to_vec()
}

/// Stores the projections of a model in a grouped type: their weights, and scales of groups.
pub fn with_grouped_projections(
    mut file: Gguf,
    (grouped_type, type_id): (GroupedType, u32),
) -> Gguf {
    let random = &mut Random::new(77);
    for tensor in file.tensors.iter_mut().filter(|t| t.type_id == I2_S) {
        let n_cols = tensor.dims[0] as usize;
        let rows = tensor.data[..tensor.data.len() - 32].chunks(n_cols / 4);
        let data = rows.flat_map(|packed| {
            let weights: Vec<i8> = (0..n_cols).map(|c| weight(packed, c) as i8).collect();
            row(grouped_type, &weights, &scales(random, n_cols / 64))
        });
        (tensor.type_id, tensor.data) = (type_id, data.collect());
    }
    file
}

/// Stores a matrix of random weights as tensor `name`, new or instead of what is there.
pub fn push_grouped_matrix(
    file: &mut Gguf,
    name: &str,
    (grouped_type, type_id): (GroupedType, u32),
    [n_cols, n_rows]: [u64; 2],
) {
    let random = &mut Random::new(78);
    let n = n_cols as usize;
    let rows = (0..n_rows).flat_map(|_| {
        let weights = weights(random, n);
        row(grouped_type, &weights, &scales(random, n / 64))
    });
    let data = rows.collect();
    match file.tensors.iter_mut().find(|t| t.name == name.as_bytes()) {
        Some(tensor) => (tensor.type_id, tensor.data) = (type_id, data),
        None => file.push_tensor(name, &[n_cols, n_rows], type_id, data),
    }
}
