//! The hyperparameters of a model, from its metadata keys.

use super::{
    Architecture, ModelError, RopeScaling,
    keys::{Keys, MAX_COUNT},
    neutral_keys, refusals,
    rope_scaling::rope_scaling,
};
use crate::gguf::{Gguf, GgufError, Metadata};

/// Shape of a model. All counts are at least 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelShape {
    /// Model family.
    pub architecture: Architecture,
    /// Rows of the token embedding.
    pub n_vocab: u64,
    /// Width of the residual stream.
    pub n_embd: u64,
    /// Transformer layers.
    pub n_layers: u64,
    /// Query heads.
    pub n_heads: u64,
    /// KV heads; divides `n_heads`.
    pub n_kv_heads: u64,
    /// Elements of one head.
    pub head_dim: u64,
    /// Number of elements at the start of each head that RoPE rotates; even.
    pub rope_dim: u64,
    /// Width of the FFN.
    pub n_ff: u64,
    /// Positions that the model was trained for.
    pub context_length: u64,
    /// RoPE frequency base.
    pub rope_base: f32,
    /// How the RoPE frequencies are scaled.
    pub rope_scaling: RopeScaling,
    /// Epsilon of every RMSNorm.
    pub rms_epsilon: f32,
}

/// Longest row: a sum of 2^20 products of at most 2·127 fits in an i32.
const MAX_WIDTH: u64 = 1 << 20;
/// Most heads.
const MAX_HEADS: u64 = 4096;
/// Most layers.
const MAX_LAYERS: u64 = 1024;
impl ModelShape {
    /// Reads the shape from a file's metadata and the dimensions of its token embedding.
    ///
    /// # Errors
    /// A key is missing, unknown, of the wrong type or out of range.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, ModelError> {
        refusals::check(&gguf.metadata)?;
        let keys = Keys {
            metadata: &gguf.metadata,
            architecture: architecture(&gguf.metadata)?,
        };
        refuse_unknown_keys(&keys)?;
        let n_embd = keys.required("embedding_length", MAX_WIDTH)?;
        let n_heads = keys.required("attention.head_count", MAX_HEADS)?;
        let n_kv_heads = keys.optional("attention.head_count_kv", MAX_HEADS)?;
        let head_dim = head_dim(&keys, n_embd, n_heads)?;
        let shape = Self {
            architecture: keys.architecture,
            n_vocab: n_vocab(gguf, &keys)?,
            n_embd,
            n_layers: keys.required("block_count", MAX_LAYERS)?,
            n_heads,
            n_kv_heads: n_kv_heads.unwrap_or(n_heads),
            head_dim,
            rope_dim: keys
                .optional("rope.dimension_count", MAX_WIDTH)?
                .unwrap_or(head_dim),
            n_ff: keys.required("feed_forward_length", MAX_WIDTH)?,
            context_length: keys.required("context_length", MAX_COUNT)?,
            rope_base: keys.rope_base()?,
            rope_scaling: rope_scaling(&keys)?,
            rms_epsilon: keys.required_f32("attention.layer_norm_rms_epsilon")?,
        };
        shape.check(&keys)?;
        Ok(shape)
    }

    fn check(&self, keys: &Keys) -> Result<(), ModelError> {
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            return Err(GgufError::invalid(
                keys.name("attention.head_count"),
                self.n_heads,
                format_args!("a multiple of attention.head_count_kv, {}", self.n_kv_heads),
            )
            .into());
        }
        let q_dim = self.n_heads * self.head_dim;
        if !self.head_dim.is_multiple_of(2) || q_dim > MAX_WIDTH {
            return Err(GgufError::invalid(
                keys.name("attention.key_length"),
                self.head_dim,
                format_args!("an even number, at most {MAX_WIDTH} in all heads"),
            )
            .into());
        }
        if !self.rope_dim.is_multiple_of(2) || self.rope_dim > self.head_dim {
            return Err(GgufError::invalid(
                keys.name("rope.dimension_count"),
                self.rope_dim,
                format_args!("an even number up to the head dimension, {}", self.head_dim),
            )
            .into());
        }
        Ok(())
    }

    /// Elements of all query heads: n_heads × head_dim. `None` on overflow.
    pub fn q_dim(&self) -> Option<u64> {
        self.n_heads.checked_mul(self.head_dim)
    }

    /// Elements of all key heads: n_kv_heads × head_dim. `None` on overflow.
    pub fn kv_dim(&self) -> Option<u64> {
        self.n_kv_heads.checked_mul(self.head_dim)
    }
}

fn architecture(metadata: &Metadata) -> Result<Architecture, ModelError> {
    let key = "general.architecture";
    let name = metadata.string(key)?.ok_or(ModelError::NoArchitecture)?;
    Architecture::from_name(name).ok_or_else(|| ModelError::Unsupported {
        what: key.into(),
        found: format!(
            "\"{}\"{}",
            name.escape_default(),
            refusals::architecture_note(name)
        ),
        supported: Architecture::ALL.map(Architecture::as_str).join(", "),
    })
}

/// Keys of the architecture that are known.
const KNOWN_KEYS: [&str; 18] = [
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
    "rope.scaling.factor",
    // Written by converters, and ignored by the supported types of scaling.
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "vocab_size",
];

/// Rejects unknown keys of the architecture: they could change what the model computes.
fn refuse_unknown_keys(keys: &Keys) -> Result<(), ModelError> {
    let prefix = keys.name("");
    for (key, value) in keys.metadata.iter() {
        match key.strip_prefix(&prefix) {
            Some(suffix) if !KNOWN_KEYS.contains(&suffix) => {
                neutral_keys::check(keys.architecture, key, suffix, value)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Elements of one head. Without their keys, keys and values each have n_embd / n_heads: one of them
/// given alone says nothing of the other.
fn head_dim(keys: &Keys, n_embd: u64, n_heads: u64) -> Result<u64, ModelError> {
    let key_length = keys.optional("attention.key_length", MAX_WIDTH)?;
    let value_length = keys.optional("attention.value_length", MAX_WIDTH)?;
    if key_length.is_none() && !n_embd.is_multiple_of(n_heads) {
        return Err(GgufError::invalid(
            keys.name("attention.head_count"),
            n_heads,
            format_args!("a divisor of embedding_length, {n_embd}"),
        )
        .into());
    }
    let head_dim = key_length.unwrap_or(n_embd / n_heads);
    let value_dim = value_length.unwrap_or(n_embd / n_heads);
    if value_dim != head_dim {
        return Err(GgufError::invalid(
            keys.name("attention.value_length"),
            value_dim,
            format_args!("the elements of a key, {head_dim}"),
        )
        .into());
    }
    Ok(head_dim)
}

/// The rows of `token_embd.weight`. A key `vocab_size` has to agree.
fn n_vocab(gguf: &Gguf, keys: &Keys) -> Result<u64, ModelError> {
    let name = "token_embd.weight";
    let tensor = gguf
        .tensors
        .iter()
        .find(|t| t.name == name)
        .ok_or_else(|| ModelError::MissingTensor {
            name: name.into(),
            shape: "[n_vocab, n_embd]".into(),
        })?;
    let rows = tensor.n_rows();
    if rows > MAX_COUNT {
        return Err(GgufError::invalid(
            format!("rows of tensor {name}"),
            rows,
            format_args!("1 to {MAX_COUNT}"),
        )
        .into());
    }
    match keys.optional("vocab_size", MAX_COUNT)? {
        Some(size) if size != rows => Err(GgufError::invalid(
            keys.name("vocab_size"),
            size,
            format_args!("the rows of {name}, {rows}"),
        )
        .into()),
        _ => Ok(rows),
    }
}
