//! Metadata under the architecture's prefix: every key is known, and every value within bounds.

use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;

use super::neutral_keys;
use crate::error::{Error, Result};
use crate::float::is_finite;
use crate::gguf::Metadata;
use crate::memory::address;

/// Longest context.
pub const MAX_CONTEXT: u64 = 1 << 24;

/// The known keys, without the prefix. Any other key could change the arithmetic.
const KNOWN: [&str; 18] = [
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
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "vocab_size",
];

/// The keys of one architecture.
pub struct Keys<'a> {
    metadata: &'a Metadata,
    prefix: &'static str,
}

impl<'a> Keys<'a> {
    /// The keys under `prefix` and a dot. An unknown one is refused.
    pub fn new(metadata: &'a Metadata, prefix: &'static str) -> Result<Self> {
        for (key, value) in metadata.entries() {
            let own = key.strip_prefix(prefix).and_then(|k| k.strip_prefix('.'));
            let Some(own) = own.filter(|own| !KNOWN.contains(own)) else {
                continue;
            };
            let problem = match neutral_keys::is_neutral(prefix, own, value) {
                Some(true) => continue,
                Some(false) => "has a value that changes the arithmetic",
                None => "is not supported; it could change the arithmetic",
            };
            return Err(Error::Unsupported(format!("key `{key}` {problem}")));
        }
        Ok(Self { metadata, prefix })
    }

    /// The key with its prefix.
    pub fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    /// A required size.
    pub fn size(&self, key: &str, allowed: RangeInclusive<u64>) -> Result<usize> {
        let key = self.full(key);
        in_range(&key, self.metadata.unsigned(&key)?, allowed)
    }

    /// A size, or its default.
    pub fn size_or(
        &self,
        key: &str,
        default: usize,
        allowed: RangeInclusive<u64>,
    ) -> Result<usize> {
        let key = self.full(key);
        match self.metadata.unsigned_if_present(&key)? {
            None => Ok(default),
            Some(found) => in_range(&key, found, allowed),
        }
    }

    /// An optional count without bounds.
    pub fn count_if_present(&self, key: &str) -> Result<Option<u64>> {
        self.metadata.unsigned_if_present(&self.full(key))
    }

    /// A required f32, finite and > 0.
    pub fn positive(&self, key: &str) -> Result<f32> {
        let key = self.full(key);
        positive(&key, self.metadata.f32(&key)?)
    }

    /// An optional f32, finite and > 0.
    pub fn positive_if_present(&self, key: &str) -> Result<Option<f32>> {
        let key = self.full(key);
        let found = self.metadata.f32_if_present(&key)?;
        found.map(|found| positive(&key, found)).transpose()
    }

    /// An optional string.
    pub fn text_if_present(&self, key: &str) -> Result<Option<&'a str>> {
        self.metadata.text_if_present(&self.full(key))
    }
}

fn positive(key: &str, found: f32) -> Result<f32> {
    if is_finite(found) && found > 0.0 {
        return Ok(found);
    }
    Err(Error::Malformed(format!(
        "key `{key}` is {found}; a finite value > 0 is required"
    )))
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
