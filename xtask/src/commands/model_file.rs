//! A model file of which only the digest is wanted.

use std::path::Path;

use engine_native::{ModelError, ModelSource};
use host::{
    digest::Digest,
    watch::{Phase, Watch},
};

use crate::exit::Failure;

/// What a file is known by.
pub struct Hashed {
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Hashes the file at `path`, which may be any regular file.
///
/// # Errors
/// It cannot be read, it changed while it was read, or the command was interrupted.
pub fn hash(path: &Path, watch: &Watch) -> Result<Hashed, Failure> {
    let failed = |e| Failure::model(path, &ModelError::Io(e));
    watch.begin(Phase::Other("hash the model"), 0);
    let source = ModelSource::open(path).map_err(failed)?;
    let sha256 = Digest::of_reader_unless(source.file(), || watch.is_stopped()).map_err(failed)?;
    let sha256 = sha256.ok_or_else(Failure::interrupted)?;
    // The digest of two versions of a file would be that of neither.
    source
        .check_unchanged()
        .map_err(|e| Failure::model(path, &e))?;
    Ok(Hashed {
        sha256,
        bytes: source.file_len(),
    })
}
