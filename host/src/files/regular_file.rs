//! Reads small untrusted files: never blocks on a pipe, and never reads beyond a limit.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// Opens the regular file at `path`.
///
/// # Errors
/// The file cannot be opened, or is a folder, a pipe or a device.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Checked before opening, because opening a pipe can block for ever.
    if !fs::metadata(path)?.is_file() {
        let what = "is not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    File::open(path)
}

/// The content of the regular file at `path`, or its first `limit + 1` bytes if it is larger than
/// `limit`.
///
/// # Errors
/// As for [`open_regular`], or reading failed.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed shows that the file is too large.
    open_regular(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Like [`read_bounded`], for secrets: the bytes are wiped when dropped, and never copied to a
/// larger buffer.
///
/// # Errors
/// Reading failed.
pub fn read_secret(file: File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = limit + 1;
    // Twice the capacity: when a buffer is full, the standard library grows it to look for more.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * most as usize));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
