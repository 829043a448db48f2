//! The models that are inside this program: one for measuring, and one for reading.

use std::{
    fs,
    path::{Path, PathBuf},
};

use host::{digest::Digest, files::AtomicFile};

use super::cache::make_cache_folder;
use crate::exit::Failure;

/// The model of a command that names none.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedModel {
    file: &'static str,
    content: &'static [u8],
}

/// The model of benchmarks, of the policy and of the test vectors: random weights.
pub const TINY: EmbeddedModel = EmbeddedModel {
    file: "tiny.gguf",
    content: include_bytes!("../../../models/tiny.gguf"),
};

/// The model of `run`, trained on the documentation of Rust.
pub const TINY_RUST: EmbeddedModel = EmbeddedModel {
    file: "tiny-rust.gguf",
    content: include_bytes!("../../../models/tiny-rust.gguf"),
};

const ALL: [EmbeddedModel; 2] = [TINY, TINY_RUST];

impl EmbeddedModel {
    /// A checkout's file, or the one inside this program.
    ///
    /// # Errors
    /// The cache folder cannot be written to.
    pub fn path(self) -> Result<PathBuf, Failure> {
        let in_checkout = Path::new("models").join(self.file);
        match in_checkout.exists() {
            true => Ok(in_checkout),
            false => self.in_cache(),
        }
    }

    /// Its file in the cache folder, written when it is not there, or is another.
    fn in_cache(self) -> Result<PathBuf, Failure> {
        let path = make_cache_folder()?.join(self.file);
        let is_there = fs::metadata(&path).is_ok_and(|f| f.len() == self.content.len() as u64)
            && fs::read(&path).is_ok_and(|found| found == self.content);
        if !is_there {
            AtomicFile::prepare(&path)
                .and_then(|file| file.replace(|out| out.write_all(self.content)))
                .map_err(|e| Failure::io(&path, &e))?;
        }
        Ok(path)
    }
}

/// The file of the model inside this program whose digest is `sha256`, if there is one.
///
/// # Errors
/// The cache folder cannot be written to.
pub fn embedded(sha256: Digest) -> Result<Option<PathBuf>, Failure> {
    let found = ALL.into_iter().find(|m| Digest::of(m.content) == sha256);
    found.map(EmbeddedModel::in_cache).transpose()
}

#[cfg(test)]
mod tests {
    use host::digest::Digest;

    use super::ALL;
    use crate::models::manifest::known_models;

    #[test]
    fn the_embedded_models_are_those_of_the_manifest() {
        let models = known_models().unwrap();
        for embedded in ALL {
            let known = models.iter().find(|m| m.file == embedded.file).unwrap();
            assert_eq!(known.sha256, Digest::of(embedded.content));
            assert_eq!(known.bytes, Some(embedded.content.len() as u64));
        }
    }
}
