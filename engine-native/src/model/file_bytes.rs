//! The bytes of a model file, mapped or owned.

use std::{
    fs::{self, File},
    io,
    ops::Deref,
    path::Path,
};

use memmap2::Mmap;

/// Read-only bytes of a whole file.
#[derive(Debug)]
pub(super) enum FileBytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl FileBytes {
    pub(super) fn map(path: &Path) -> io::Result<Self> {
        // Before opening: that alone would wait for ever on a pipe.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            // An empty mapping is an error on some systems; an empty file is merely truncated.
            return Ok(Self::Owned(Vec::new()));
        }
        // SAFETY: the mapping is private and read-only. Another process that shortens the file
        // during the run ends this one with SIGBUS; one that rewrites it changes what is computed,
        // which parity then reports. Neither can make the engine write or read out of bounds.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self::Mapped(map))
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
