//! Sizes and constants of the model, from metadata.

use alloc::format;

use super::architecture::Architecture;
use super::keys::{Keys, MAX_CONTEXT};
use super::rope_scaling::RopeScaling;
use crate::error::{Error, Result};
use crate::gguf::Metadata;

/// Most layers.
const MAX_LAYERS: u64 = 1024;

/// Widest row. Keeps every integer dot product within i32: 2^20 * 2 * 127 < 2^31.
const MAX_WIDTH: u64 = 1 << 20;

/// Most heads.
const MAX_HEADS: u64 = 4096;

/// RoPE base of files without the key, as in llama.cpp.
const DEFAULT_ROPE_BASE: f32 = 10_000.0;

/// Sizes and constants of a model; all sizes count elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameters {
    /// Activation, norms and rotary pairs.
    pub architecture: Architecture,
    /// Rows of `token_embd.weight`; 0 until the tensors have been resolved.
    pub n_vocab: usize,
    /// The `vocab_size` key, when present.
    pub vocab_size: Option<u64>,
    /// Width of the residual stream.
    pub n_embd: usize,
    /// Layers.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Elements of one head, even.
    pub head_dim: usize,
    /// Width of the feed-forward network.
    pub n_ff: usize,
    /// Most positions that the model was made for.
    pub context_length: usize,
    /// Leading elements of a head that are rotated, even.
    pub rope_dim: usize,
    /// RoPE base, finite and > 0.
    pub rope_base: f32,
    /// How angles are scaled.
    pub rope_scaling: RopeScaling,
    /// Added to the mean square in RMSNorm, finite and > 0.
    pub eps: f32,
}

impl Hyperparameters {
    /// Reads and validates the keys.
    pub fn read(metadata: &Metadata) -> Result<Self> {
        let architecture = Architecture::read(metadata)?;
        let keys = Keys::new(metadata, architecture.name)?;
        let n_embd = keys.size("embedding_length", 1..=MAX_WIDTH)?;
        let n_heads = keys.size("attention.head_count", 1..=MAX_HEADS)?;
        let head_dim = head_dim(&keys, n_embd, n_heads)?;
        let rope_base = keys
            .positive_if_present("rope.freq_base")?
            .unwrap_or(DEFAULT_ROPE_BASE);
        Ok(Self {
            architecture,
            n_vocab: 0,
            vocab_size: keys.count_if_present("vocab_size")?,
            n_embd,
            n_layers: keys.size("block_count", 1..=MAX_LAYERS)?,
            n_heads,
            n_kv_heads: n_kv_heads(&keys, n_heads)?,
            head_dim,
            n_ff: keys.size("feed_forward_length", 1..=MAX_WIDTH)?,
            context_length: keys.size("context_length", 1..=MAX_CONTEXT)?,
            rope_dim: rope_dim(&keys, head_dim)?,
            rope_base,
            rope_scaling: RopeScaling::read(&keys, rope_base)?,
            eps: keys.positive("attention.layer_norm_rms_epsilon")?,
        })
    }

    /// Elements of all query heads of a position.
    pub fn n_query(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Elements of all key (or value) heads of a position.
    pub fn n_key(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }
}

fn n_kv_heads(keys: &Keys<'_>, n_heads: usize) -> Result<usize> {
    const KEY: &str = "attention.head_count_kv";
    let n_kv_heads = keys.size_or(KEY, n_heads, 1..=MAX_HEADS)?;
    if n_heads.is_multiple_of(n_kv_heads) {
        return Ok(n_kv_heads);
    }
    Err(Error::Malformed(format!(
        "key `{}` is {n_kv_heads}; a divisor of the {n_heads} query heads is required",
        keys.full(KEY)
    )))
}

/// Limits heads times head dimension to the widest row, so that it obeys the caps on rows too.
fn head_dim(keys: &Keys<'_>, n_embd: usize, n_heads: usize) -> Result<usize> {
    let widest = MAX_WIDTH / n_heads as u64;
    let default = n_embd / n_heads;
    let key_dim = keys.size_or("attention.key_length", default, 2..=widest)?;
    let value_dim = keys.size_or("attention.value_length", default, 2..=widest)?;
    let stated = keys.count_if_present("attention.key_length")?;
    if stated.is_none() && !n_embd.is_multiple_of(n_heads) {
        return Err(Error::Malformed(format!(
            "key `{}` is {n_embd}; a multiple of the {n_heads} heads is required",
            keys.full("embedding_length")
        )));
    }
    if key_dim != value_dim || !key_dim.is_multiple_of(2) {
        return Err(Error::Unsupported(format!(
            "head dimension is {key_dim} for keys and {value_dim} for values; one even number \
             for both is supported"
        )));
    }
    Ok(key_dim)
}

fn rope_dim(keys: &Keys<'_>, head_dim: usize) -> Result<usize> {
    const KEY: &str = "rope.dimension_count";
    let rope_dim = keys.size_or(KEY, head_dim, 2..=head_dim as u64)?;
    if rope_dim.is_multiple_of(2) {
        return Ok(rope_dim);
    }
    Err(Error::Malformed(format!(
        "key `{}` is {rope_dim}; an even number is required",
        keys.full(KEY)
    )))
}
