//! Files that somebody else wrote.

use std::path::Path;

use host::files;

use crate::exit::Failure;

/// The content of the regular file at `path`; of one with more than `limit` bytes, one byte more.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    files::read_bounded(path, limit).map_err(|e| Failure::io(path, &e))
}
