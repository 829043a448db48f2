//! `models/manifest.json`: generated models, the trained one, and public ones whose full digest
//! someone publishes.

use std::path::{Path, PathBuf};

use host::digest::Digest;

use super::{
    cache::cache_folder,
    find::folders,
    known_model::{self, KnownModel, Origin},
};
use crate::{program, units};

const MANIFEST: &str = include_str!("../../../models/manifest.json");

impl KnownModel {
    /// Where a file lies that has its name and its size, which is not proof that it is the model.
    pub fn likely_file(&self) -> Option<PathBuf> {
        let mut paths = folders(Path::new(""))
            .into_iter()
            .map(|f| f.join(&self.file));
        let is_likely = |path: &PathBuf| {
            let found = std::fs::metadata(path);
            found.is_ok_and(|f| f.is_file() && self.bytes.is_none_or(|bytes| bytes == f.len()))
        };
        paths.find(is_likely)
    }

    /// What to type, or where to go, to get it.
    pub fn how_to_get(&self) -> String {
        match &self.origin {
            Origin::Generated { preset, seed } => {
                let call = program::current().call();
                format!("{call} make-model --preset {preset} --seed {seed} --cache")
            }
            Origin::Trained { .. } => {
                let call = program::current().call();
                format!(
                    "nothing to download: it is inside this program, and `{call} run --prompt TEXT` \
                     uses it"
                )
            }
            Origin::Published { repository, .. } => {
                let folder = cache_folder().map_or("models".into(), |f| f.display().to_string());
                format!(
                    "download {} from {repository} into {folder}, under any name",
                    self.file
                )
            }
        }
    }

    /// Whether the digest is quoted only, so that a file with another one may be right.
    pub fn is_unconfirmed(&self) -> bool {
        matches!(
            self.origin,
            Origin::Published {
                unconfirmed: true,
                ..
            }
        )
    }

    /// Its size, where it is known.
    pub fn size(&self) -> String {
        self.bytes
            .map_or_else(|| "unknown size".into(), units::bytes)
    }
}

/// How to get the model with this digest: one line, or none if nobody here knows it.
pub fn how_to_get(sha256: Digest) -> Option<String> {
    let mut known = known_models().ok()?.into_iter();
    let model = known.find(|model| model.sha256 == sha256)?;
    let (how, size) = (model.how_to_get(), model.size());
    Some(format!("{how} ({size}, {})", model.licence))
}

/// All known models.
///
/// # Errors
/// The manifest of this build is malformed.
pub fn known_models() -> serde_json::Result<Vec<KnownModel>> {
    known_model::read(MANIFEST)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{KnownModel, Origin, how_to_get, known_models};

    #[test]
    fn every_known_model_can_be_got() {
        for model in known_models().unwrap() {
            let how = how_to_get(model.sha256).unwrap();
            match model.origin {
                Origin::Generated { preset, .. } => {
                    assert!(how.contains(&format!("make-model --preset {preset} ")));
                }
                Origin::Trained { recipe } => assert_eq!(recipe, "models/README.md"),
                Origin::Published { repository, .. } => {
                    assert!(how.contains(&repository) && how.contains(&model.file));
                }
            }
            assert!(how.contains(&model.licence), "{how}");
        }
        assert_eq!(how_to_get(host::digest::Digest([0; 32])), None);
    }

    #[test]
    fn the_digests_of_bonsai_alone_are_unconfirmed() {
        let models = known_models().unwrap();
        let bonsai = |m: &&KnownModel| m.file.starts_with("Ternary-Bonsai-");
        assert_eq!(models.iter().filter(bonsai).count(), 6);
        for model in &models {
            assert_eq!(model.is_unconfirmed(), bonsai(&model), "{}", model.file);
        }
    }

    #[test]
    fn every_entry_says_where_it_comes_from_and_no_digest_stands_twice() {
        let models = known_models().unwrap();
        let digests: HashSet<_> = models.iter().map(|m| m.sha256).collect();
        assert_eq!(digests.len(), models.len());
        for model in models {
            assert!(!model.file.is_empty() && !model.licence.is_empty());
            if let Origin::Published {
                repository, source, ..
            } = model.origin
            {
                assert!(repository.starts_with("https://") && source.starts_with("https://"));
            }
        }
    }
}
