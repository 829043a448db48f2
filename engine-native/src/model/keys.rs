//! Metadata keys of an architecture, and the bounds of their values.

use super::{Architecture, ModelError};
use crate::gguf::{GgufError, Metadata};

/// Most rows of the vocabulary, and most positions.
pub(super) const MAX_COUNT: u64 = 1 << 24;

/// RoPE frequency base of files without the key, as in llama.cpp: converters leave it out where the
/// model's configuration does.
const DEFAULT_ROPE_BASE: f32 = 10_000.0;

/// The keys of an architecture.
pub(super) struct Keys<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) architecture: Architecture,
}

impl Keys<'_> {
    pub(super) fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.architecture)
    }

    pub(super) fn optional(&self, suffix: &str, max: u64) -> Result<Option<u64>, ModelError> {
        let key = self.name(suffix);
        match self.metadata.unsigned(&key)? {
            Some(n) if n == 0 || n > max => {
                Err(GgufError::invalid(key, n, format_args!("1 to {max}")).into())
            }
            found => Ok(found),
        }
    }

    pub(super) fn required(&self, suffix: &str, max: u64) -> Result<u64, ModelError> {
        self.optional(suffix, max)?
            .ok_or_else(|| ModelError::MissingKey {
                key: self.name(suffix),
                architecture: self.architecture,
            })
    }

    pub(super) fn optional_f32(&self, suffix: &str) -> Result<Option<f32>, ModelError> {
        let key = self.name(suffix);
        match self.metadata.f32(&key)? {
            Some(x) if !(x.is_finite() && x > 0.0) => {
                Err(GgufError::invalid(key, x, "a finite number above 0").into())
            }
            found => Ok(found),
        }
    }

    pub(super) fn required_f32(&self, suffix: &str) -> Result<f32, ModelError> {
        self.optional_f32(suffix)?
            .ok_or_else(|| ModelError::MissingKey {
                key: self.name(suffix),
                architecture: self.architecture,
            })
    }

    /// The RoPE frequency base, or its default.
    pub(super) fn rope_base(&self) -> Result<f32, ModelError> {
        let found = self.optional_f32("rope.freq_base")?;
        Ok(found.unwrap_or(DEFAULT_ROPE_BASE))
    }
}
