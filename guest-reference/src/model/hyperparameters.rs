//! Sizes and constants of the model, from metadata.
//!
//! Keys under the architecture's prefix that are not listed here are refused: each could change
//! the arithmetic.

use alloc::format;
use core::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::float::is_finite;
use crate::gguf::Metadata;
use crate::memory::address;

/// The one architecture that is computed.
pub const ARCHITECTURE: &str = "bitnet-b1.58";

/// Most layers.
const MAX_LAYERS: u64 = 1024;

/// Widest row. Keeps every integer dot product within i32: 2^20 * 2 * 127 < 2^31.
const MAX_WIDTH: u64 = 1 << 20;

/// Most heads.
const MAX_HEADS: u64 = 4096;

/// Longest context.
const MAX_CONTEXT: u64 = 1 << 24;

/// Keys that are understood, without the architecture's prefix.
const KNOWN_KEYS: [&str; 13] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "vocab_size",
];

/// Sizes and constants of a model; all sizes count elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameters {
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
    /// Most positions the model was made for.
    pub context_length: usize,
    /// Leading elements of a head that are rotated, even.
    pub rope_dim: usize,
    /// RoPE base, finite and > 0.
    pub rope_base: f32,
    /// Added to the mean square in RMSNorm, finite and > 0.
    pub eps: f32,
}

impl Hyperparameters {
    /// Reads and validates the keys.
    pub fn read(metadata: &Metadata) -> Result<Self> {
        check_architecture(metadata)?;
        check_known_keys(metadata)?;
        check_rope_scaling(metadata)?;
        let keys = Keys(metadata);
        let n_embd = keys.size("embedding_length", 1..=MAX_WIDTH)?;
        let n_heads = keys.size("attention.head_count", 1..=MAX_HEADS)?;
        let head_dim = keys.head_dim(n_embd, n_heads)?;
        Ok(Self {
            n_vocab: 0,
            vocab_size: metadata.unsigned_if_present(&prefixed("vocab_size"))?,
            n_embd,
            n_layers: keys.size("block_count", 1..=MAX_LAYERS)?,
            n_heads,
            n_kv_heads: keys.n_kv_heads(n_heads)?,
            head_dim,
            n_ff: keys.size("feed_forward_length", 1..=MAX_WIDTH)?,
            context_length: keys.size("context_length", 1..=MAX_CONTEXT)?,
            rope_dim: keys.rope_dim(head_dim)?,
            rope_base: keys.positive("rope.freq_base")?,
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

fn prefixed(key: &str) -> alloc::string::String {
    format!("{ARCHITECTURE}.{key}")
}

fn check_architecture(metadata: &Metadata) -> Result<()> {
    let found = metadata.text("general.architecture")?;
    if found == ARCHITECTURE {
        return Ok(());
    }
    Err(Error::Unsupported(format!(
        "key `general.architecture` is `{found}`; `{ARCHITECTURE}` is supported"
    )))
}

fn check_known_keys(metadata: &Metadata) -> Result<()> {
    for key in metadata.keys() {
        let own = key
            .strip_prefix(ARCHITECTURE)
            .and_then(|k| k.strip_prefix('.'));
        if own.is_some_and(|own| !KNOWN_KEYS.contains(&own)) {
            return Err(Error::Unsupported(format!(
                "key `{key}` is not supported; it could change the arithmetic"
            )));
        }
    }
    Ok(())
}

fn check_rope_scaling(metadata: &Metadata) -> Result<()> {
    let key = prefixed("rope.scaling.type");
    match metadata.text_if_present(&key)? {
        None | Some("none") => Ok(()),
        Some(found) => Err(Error::Unsupported(format!(
            "key `{key}` is `{found}`; only `none` is supported"
        ))),
    }
}

/// Metadata read under the architecture's prefix.
struct Keys<'a>(&'a Metadata);

impl Keys<'_> {
    fn size(&self, key: &str, allowed: RangeInclusive<u64>) -> Result<usize> {
        let key = prefixed(key);
        in_range(&key, self.0.unsigned(&key)?, allowed)
    }

    fn size_or(&self, key: &str, default: usize, allowed: RangeInclusive<u64>) -> Result<usize> {
        let key = prefixed(key);
        match self.0.unsigned_if_present(&key)? {
            None => Ok(default),
            Some(found) => in_range(&key, found, allowed),
        }
    }

    fn positive(&self, key: &str) -> Result<f32> {
        let key = prefixed(key);
        let found = self.0.f32(&key)?;
        if is_finite(found) && found > 0.0 {
            return Ok(found);
        }
        Err(Error::Malformed(format!(
            "key `{key}` is {found}; a finite value > 0 is required"
        )))
    }

    fn n_kv_heads(&self, n_heads: usize) -> Result<usize> {
        let n_kv_heads = self.size("attention.head_count_kv", 1..=MAX_HEADS)?;
        if n_heads.is_multiple_of(n_kv_heads) {
            return Ok(n_kv_heads);
        }
        Err(Error::Malformed(format!(
            "key `{}` is {n_kv_heads}; a divisor of the {n_heads} query heads is required",
            prefixed("attention.head_count_kv")
        )))
    }

    /// Heads times head dimension must stay a width, which the caps on rows then hold for too.
    fn head_dim(&self, n_embd: usize, n_heads: usize) -> Result<usize> {
        let widest = MAX_WIDTH / n_heads as u64;
        let default = n_embd / n_heads;
        let key_dim = self.size_or("attention.key_length", default, 2..=widest)?;
        let value_dim = self.size_or("attention.value_length", default, 2..=widest)?;
        let stated = self
            .0
            .unsigned_if_present(&prefixed("attention.key_length"))?;
        if stated.is_none() && !n_embd.is_multiple_of(n_heads) {
            return Err(Error::Malformed(format!(
                "key `{}` is {n_embd}; a multiple of the {n_heads} heads is required",
                prefixed("embedding_length")
            )));
        }
        if key_dim != value_dim || !key_dim.is_multiple_of(2) {
            return Err(Error::Unsupported(format!(
                "head dimension is {key_dim} for keys and {value_dim} for values; one even \
                 number for both is supported"
            )));
        }
        Ok(key_dim)
    }

    fn rope_dim(&self, head_dim: usize) -> Result<usize> {
        let key = "rope.dimension_count";
        let rope_dim = self.size_or(key, head_dim, 2..=head_dim as u64)?;
        if rope_dim.is_multiple_of(2) {
            return Ok(rope_dim);
        }
        Err(Error::Malformed(format!(
            "key `{}` is {rope_dim}; an even number is required",
            prefixed(key)
        )))
    }
}

fn in_range(key: &str, found: u64, allowed: RangeInclusive<u64>) -> Result<usize> {
    if allowed.contains(&found) {
        return address(key, found);
    }
    Err(Error::Malformed(format!(
        "key `{key}` is {found}; {} to {} are allowed",
        allowed.start(),
        allowed.end()
    )))
}
