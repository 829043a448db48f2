//! An entry of the manifest.

use host::digest::Digest;
use serde::{Deserialize, Serialize};

/// A model whose bytes are known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownModel {
    /// Name of the file.
    pub file: String,
    /// Size, where the source says it.
    pub bytes: Option<u64>,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Licence of the weights.
    pub licence: String,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a model comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// `make-model` writes it.
    Generated {
        /// Preset.
        preset: String,
        /// Seed.
        seed: u64,
    },
    /// It was trained, and is inside this program.
    Trained {
        /// What says how.
        recipe: String,
    },
    /// It is downloaded.
    Published {
        /// Where it is published.
        repository: String,
        /// Who publishes the digest.
        source: String,
        /// Whether the digest is only quoted by `source`: nobody has compared it with the publisher's
        /// own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unconfirmed: bool,
    },
}

/// The entries of a manifest.
///
/// # Errors
/// It is not JSON, or an entry has not the form of one.
pub fn read(manifest: &str) -> serde_json::Result<Vec<KnownModel>> {
    serde_json::from_str(manifest)
}
