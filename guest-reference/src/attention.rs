//! Causal grouped-query attention of one position over the layer's KV cache.

use alloc::vec::Vec;

use crate::error::{Fault, Result};
use crate::fast::{dot16, weighted_sum};
use crate::float::{exp, sqrt, sum16};
use crate::half;
use crate::memory::{product, zeroed};
use crate::ops::finite;

/// Element type of the KV cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvType {
    /// Kept as computed.
    F32,
    /// Rounded to half precision when stored, widened when used.
    F16,
}

impl KvType {
    /// The value that a later read of the cache returns.
    fn stored(self, quantity: &'static str, index: usize, value: f32) -> Result<f32, Fault> {
        let kept = match self {
            KvType::F32 => Some(value),
            KvType::F16 => half::round_through(value),
        };
        kept.ok_or(Fault {
            quantity,
            index,
            value,
        })
    }
}

/// Keys and values of one layer, already widened: `[position][n_kv_heads * head_dim]` each.
pub struct KvCache {
    kv_type: KvType,
    row: usize,
    len: usize,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl KvCache {
    /// Room for `n_positions` rows of `row = n_kv_heads * head_dim` elements.
    pub fn new(kv_type: KvType, row: usize, n_positions: usize) -> Result<Self> {
        let elements = product("KV cache", row, n_positions)?;
        Ok(Self {
            kv_type,
            row,
            len: 0,
            keys: zeroed("KV cache keys", elements)?,
            values: zeroed("KV cache values", elements)?,
        })
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position is held yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes a row behind those held. It counts once [`KvCache::commit`] is called.
    pub fn stage(&mut self, key: &[f32], value: &[f32]) -> Result<(), Fault> {
        let start = self.len * self.row;
        for i in 0..self.row {
            self.keys[start + i] = self.kv_type.stored("key in an f16 cache", i, key[i])?;
            self.values[start + i] = self.kv_type.stored("value in an f16 cache", i, value[i])?;
        }
        Ok(())
    }

    /// Counts the staged row as held.
    ///
    /// A step of its own, so that a layer that fails leaves the cache unchanged.
    pub fn commit(&mut self) {
        self.len += 1;
    }

    fn key(&self, t: usize, head: usize, head_dim: usize) -> &[f32] {
        &self.keys[t * self.row + head * head_dim..][..head_dim]
    }

    /// Values from `head` on. Consecutive positions are `self.row` elements apart.
    fn values(&self, head: usize, head_dim: usize) -> &[f32] {
        &self.values[head * head_dim..]
    }
}

/// Attention of every query head over the held rows and the staged one.
///
/// `query` and `out` are `[n_heads, head_dim]`; `scores` has room for all positions.
pub fn attend(
    query: &[f32],
    head_dim: usize,
    cache: &KvCache,
    scores: &mut [f32],
    out: &mut [f32],
) -> Result<(), Fault> {
    let n_heads = query.len() / head_dim;
    let heads_per_kv = n_heads / (cache.row / head_dim);
    let scores = &mut scores[..cache.len + 1];
    let heads = query.chunks_exact(head_dim);
    for (h, (q, out)) in heads.zip(out.chunks_exact_mut(head_dim)).enumerate() {
        let kv_head = h / heads_per_kv;
        score(q, cache, kv_head, scores)?;
        softmax(scores)?;
        weighted_sum(scores, cache.values(kv_head, head_dim), cache.row, out);
    }
    Ok(())
}

/// `scores[t] = dot16(q, k_t) * (1 / sqrt(head_dim))`.
fn score(q: &[f32], cache: &KvCache, kv_head: usize, scores: &mut [f32]) -> Result<(), Fault> {
    let scale = 1.0 / sqrt(q.len() as f32);
    for (t, score) in scores.iter_mut().enumerate() {
        let raw = dot16(q, cache.key(t, kv_head, q.len())) * scale;
        *score = finite("attention score of position", t, raw)?;
    }
    Ok(())
}

/// Replaces each score by `exp(score - max) / sum16(exp(score - max))`.
///
/// There is at least one, and all are finite.
pub fn softmax(scores: &mut [f32]) -> Result<(), Fault> {
    let mut max = scores[0];
    for &score in scores.iter() {
        if score > max {
            max = score;
        }
    }
    for score in scores.iter_mut() {
        *score = exp(*score - max);
    }
    let z = finite("softmax sum", 0, sum16(scores))?;
    for score in scores.iter_mut() {
        *score /= z;
    }
    Ok(())
}
