//! Rotary position embedding, half-split pairing: dimension j turns with dimension j + d/2.

use alloc::vec::Vec;

use crate::error::Result;
use crate::memory::{product, zeroed};

/// cos and sin of every (position, frequency) of a run.
pub struct RopeTable {
    /// Half the rotary dimension: frequencies per position.
    n_pairs: usize,
    /// `[n_positions, n_pairs]` of (cos, sin).
    cos_sin: Vec<(f32, f32)>,
}

impl RopeTable {
    /// Tabulates positions 0 to `n_positions - 1` for rotary dimension `rope_dim` (even).
    pub fn new(base: f32, rope_dim: usize, n_positions: usize) -> Result<Self> {
        let n_pairs = rope_dim / 2;
        let mut cos_sin = zeroed("rope table", product("rope table", n_positions, n_pairs)?)?;
        for (i, entry) in cos_sin.iter_mut().enumerate() {
            *entry = cos_sin_at(base, rope_dim, i / n_pairs, i % n_pairs);
        }
        Ok(Self { n_pairs, cos_sin })
    }

    /// Rotates each head of `x`, `[n, head_dim]`; dimensions past the rotary ones stay.
    pub fn rotate(&self, position: usize, head_dim: usize, x: &[f32], y: &mut [f32]) {
        let turns = &self.cos_sin[position * self.n_pairs..][..self.n_pairs];
        y.copy_from_slice(x);
        for head in y.chunks_exact_mut(head_dim) {
            let (first, second) = head.split_at_mut(self.n_pairs);
            for ((a, b), &(cos, sin)) in first.iter_mut().zip(second).zip(turns) {
                (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
            }
        }
    }
}

/// cos and sin of `position * base^(-2j / rope_dim)`, computed in f64, each rounded once to f32.
pub fn cos_sin_at(base: f32, rope_dim: usize, position: usize, j: usize) -> (f32, f32) {
    let exponent = -((2 * j) as f64) / rope_dim as f64;
    let theta = position as f64 * libm::pow(f64::from(base), exponent);
    (libm::cos(theta) as f32, libm::sin(theta) as f32)
}
