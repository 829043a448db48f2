//! `models/manifest.json`: generated models, and public ones whose full digest someone publishes.

use host::digest::Digest;
use serde::Deserialize;

const MANIFEST: &str = include_str!("../../models/manifest.json");

/// A model whose bytes are known.
#[derive(Debug, Clone, Deserialize)]
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
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// `make-model` writes it.
    Generated {
        /// Preset.
        preset: String,
        /// Seed.
        seed: u64,
    },
    /// It is downloaded.
    Published {
        /// Where it is published.
        repository: String,
        /// Who publishes the digest.
        source: String,
    },
}

/// All known models.
///
/// # Errors
/// The manifest of this build is malformed.
pub fn known_models() -> serde_json::Result<Vec<KnownModel>> {
    serde_json::from_str(MANIFEST)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Origin, known_models};

    #[test]
    fn every_entry_says_where_it_comes_from_and_no_digest_stands_twice() {
        let models = known_models().unwrap();
        let digests: HashSet<_> = models.iter().map(|m| m.sha256).collect();
        assert_eq!(digests.len(), models.len());
        for model in models {
            assert!(!model.file.is_empty() && !model.licence.is_empty());
            if let Origin::Published { repository, source } = model.origin {
                assert!(repository.starts_with("https://") && source.starts_with("https://"));
            }
        }
    }
}
