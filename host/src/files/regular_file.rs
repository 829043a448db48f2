//! Small files that somebody else wrote: never waited for, never read beyond a limit.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// Opens the regular file at `path`.
///
/// # Errors
/// It cannot be opened, or is a folder, a pipe or a device.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Before opening: that alone would wait for ever on a pipe.
    if !fs::metadata(path)?.is_file() {
        let what = "is not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    File::open(path)
}

/// The content of the regular file at `path`; of one with more than `limit` bytes, `limit + 1`.
///
/// # Errors
/// As for [`open_regular`], or reading failed.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that there are too many.
    open_regular(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// As [`read_bounded`], for secrets: the bytes are wiped when they are let go, and never copied to a
/// larger buffer.
///
/// # Errors
/// Reading failed.
pub fn read_secret(file: File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = limit + 1;
    // Twice the room: filling a buffer to its end makes the standard library look for more.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * most as usize));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
