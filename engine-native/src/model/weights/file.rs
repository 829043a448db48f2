//! The bytes of a model file, memory-mapped or owned.

use std::{
    fs::{self, File},
    io,
    ops::Deref,
    path::Path,
    sync::Arc,
};

use memmap2::Mmap;

/// The read-only bytes of a whole file. Clones share them, so that the engine, the hash and the
/// replay all see one mapping.
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
    /// `path` is not a regular file, or it cannot be opened or mapped.
    pub fn map(path: &Path) -> io::Result<Self> {
        // Checked before opening: opening a pipe would block forever.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            // Some systems refuse an empty mapping. An empty file should be reported as truncated.
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
