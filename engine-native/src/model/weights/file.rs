//! The bytes of a model file, mapped or owned.

use std::{
    fs::{self, File},
    io,
    ops::Deref,
    path::Path,
    sync::Arc,
};

use memmap2::Mmap;

/// Read-only bytes of a whole file. Clones share them: what is hashed, what is computed from and
/// what a replay is given are one mapping.
#[derive(Debug, Clone)]
pub struct ModelFile(Arc<Bytes>);

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl ModelFile {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// It is not a regular file, or cannot be opened or mapped.
    pub fn map(path: &Path) -> io::Result<Self> {
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
            return Ok(Vec::new().into());
        }
        // SAFETY: the mapping is private and read-only. Another process that shortens the file
        // during the run ends this one with SIGBUS; one that rewrites it changes what is computed,
        // which parity then reports. Neither can make the engine write or read out of bounds.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self(Arc::new(Bytes::Mapped(map))))
    }
}

impl From<Vec<u8>> for ModelFile {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Bytes::Owned(bytes)))
    }
}

impl Deref for ModelFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.0 {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
