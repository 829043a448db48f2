//! Files that somebody else wrote.

use std::{
    io::{self, Read},
    path::Path,
};

use host::files;

use crate::{
    exit::{Exit, Failure},
    hints::Kind,
};

/// As [`read_bounded`], for text in a format that has no other encoding than UTF-8.
///
/// # Errors
/// As for [`read_bounded`], or it is encoded otherwise.
pub fn read_text(path: &Path, kind: Kind, limit: u64) -> Result<Vec<u8>, Failure> {
    let bytes = read_bounded(path, kind, limit)?;
    match files::other_encoding(&bytes) {
        Some(encoding) => Err(Failure::new(Exit::BadInput, encoding).at(path)),
        None => Ok(bytes),
    }
}

/// The content of the regular file at `path`, or of standard input for `-`; of one with more than
/// `limit` bytes, one byte more. `kind` is what it should be.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub fn read_bounded(path: &Path, kind: Kind, limit: u64) -> Result<Vec<u8>, Failure> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|e| Failure::of_io(&e).about("standard input"))?;
        return Ok(bytes);
    }
    files::read_bounded(path, limit).map_err(|e| Failure::read(path, kind, &e))
}
