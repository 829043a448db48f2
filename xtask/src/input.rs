//! Files that somebody else wrote.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use crate::exit::{Exit, Failure};

/// The bytes of a file; one more than `most` if there are more.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let io = |e: std::io::Error| Failure::io(path, &e);
    // Before opening: that alone would wait for ever on a pipe.
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(Failure::new(
            Exit::Io,
            format_args!("{}: is not a regular file", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    // One byte more than allowed is enough to see that there are too many.
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
