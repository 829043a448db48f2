//! The tiny model, which is inside this program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use host::{digest::Digest, files::AtomicFile};

use super::cache::make_cache_folder;
use crate::exit::Failure;

const TINY: &[u8] = include_bytes!("../../../models/tiny.gguf");

/// Where a checkout has the same file.
const IN_CHECKOUT: &str = "models/tiny.gguf";

/// The model of a command that names none: a checkout's `models/tiny.gguf`, or the one inside this
/// program.
///
/// # Errors
/// The cache folder cannot be written to.
pub fn default_model() -> Result<PathBuf, Failure> {
    let in_checkout = Path::new(IN_CHECKOUT);
    match in_checkout.exists() {
        true => Ok(in_checkout.to_owned()),
        false => in_cache(),
    }
}

/// The file of the model inside this program, if `sha256` is its digest.
///
/// # Errors
/// The cache folder cannot be written to.
pub fn embedded(sha256: Digest) -> Result<Option<PathBuf>, Failure> {
    match Digest::of(TINY) == sha256 {
        true => in_cache().map(Some),
        false => Ok(None),
    }
}

/// Its file in the cache folder, written when it is not there, or is another.
fn in_cache() -> Result<PathBuf, Failure> {
    let path = make_cache_folder()?.join("tiny.gguf");
    let is_there = fs::metadata(&path).is_ok_and(|found| found.len() == TINY.len() as u64)
        && fs::read(&path).is_ok_and(|found| found == TINY);
    if !is_there {
        AtomicFile::prepare(&path)
            .and_then(|file| file.replace(|out| out.write_all(TINY)))
            .map_err(|e| Failure::io(&path, &e))?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use host::digest::Digest;

    use super::TINY;
    use crate::models::manifest::known_models;

    #[test]
    fn the_embedded_model_is_the_one_of_the_manifest() {
        let models = known_models().unwrap();
        let tiny = models.iter().find(|m| m.file == "tiny.gguf").unwrap();
        assert_eq!(tiny.sha256, Digest::of(TINY));
        assert_eq!(tiny.bytes, Some(TINY.len() as u64));
    }
}
