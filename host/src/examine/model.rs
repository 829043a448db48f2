//! Finds the model of a receipt by its digest, whatever its name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    digest::Digest,
    files,
    input::{HashedModel, OpenError},
    receipt::Receipt,
    verify::ModelFacts,
    watch::Watch,
};

impl HashedModel {
    /// The facts about the model that a verifier compares with a receipt.
    pub fn facts(&self) -> ModelFacts {
        let place = self.path.display().to_string();
        ModelFacts::new(place, self.model.description(), self.record())
    }
}

/// Opens the file at `path` with the I2_S layout that the receipt names.
///
/// # Errors
/// The file cannot be read or is not a model, or the search was interrupted.
pub fn open_model(receipt: &Receipt, path: &Path, watch: &Watch) -> Result<HashedModel, OpenError> {
    HashedModel::open(path, receipt.model.layout(), watch)
}

/// Opens the first file in `folders` that has the digest of the receipt's model. Only files of the
/// right size are read, those with the right name first.
///
/// # Errors
/// The model is there, but cannot be used; or the search was interrupted.
pub fn find_model(
    receipt: &Receipt,
    folders: &[PathBuf],
    watch: &Watch,
) -> Result<Option<HashedModel>, OpenError> {
    let mut too_large = None;
    for path in candidates(receipt, folders) {
        match open_model(receipt, &path, watch) {
            Ok(found) if found.sha256 == receipt.model.sha256 => return Ok(Some(found)),
            Ok(_) => {}
            Err(OpenError::Interrupted) => return Err(OpenError::Interrupted),
            // It is not read to its end only to be refused: the right one is as large.
            Err(OpenError::Memory(error)) => too_large = Some(error),
            // A file that cannot be used matters only if it has the digest of the receipt's model.
            Err(error) => {
                if digest(&path, watch)? == Some(receipt.model.sha256) {
                    return Err(error);
                }
            }
        }
    }
    too_large.map_or(Ok(None), |error| Err(error.into()))
}

/// The files that are as large as the receipt's model.
fn candidates(receipt: &Receipt, folders: &[PathBuf]) -> Vec<PathBuf> {
    let (name, size) = (&receipt.model.file_name, receipt.model.file_bytes);
    let files = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let paths = files.flatten().flatten().map(|entry| entry.path());
    let is_candidate = |path: &PathBuf| {
        let metadata = fs::metadata(path);
        metadata.is_ok_and(|m| m.is_file() && m.len() == size)
    };
    let mut paths: Vec<_> = paths.filter(is_candidate).collect();
    // Sorted, because the order in which a folder lists its files is arbitrary.
    paths.sort();
    paths.sort_by_key(|path| path.file_name().is_none_or(|n| n != name.as_str()));
    paths
}

/// The digest of a file; `None` if it cannot be read.
fn digest(path: &Path, watch: &Watch) -> Result<Option<Digest>, OpenError> {
    let digest = files::open_regular(path)
        .and_then(|file| Digest::of_reader_unless(file, || watch.is_stopped()));
    match digest {
        Ok(None) => Err(OpenError::Interrupted),
        digest => Ok(digest.ok().flatten()),
    }
}
