//! The receipt's file: replaced atomically, or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{Receipt, to_json};

/// A place where a receipt can be written, found out before the run.
#[derive(Debug)]
pub struct ReceiptFile {
    path: PathBuf,
    folder: PathBuf,
}

impl ReceiptFile {
    /// Checks that a file can be made beside `path`.
    ///
    /// # Errors
    /// The folder is missing or cannot be written to, or `path` is a folder.
    pub fn prepare(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "is a folder, a file is needed",
            ));
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        NamedTempFile::new_in(&folder)?.close()?;
        Ok(Self {
            path: path.to_owned(),
            folder,
        })
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file by `receipt`.
    ///
    /// # Errors
    /// Writing failed; the old file is as it was.
    pub fn write(&self, receipt: &Receipt) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(to_json(receipt).as_bytes())?;
        file.as_file().sync_all()?;
        make_readable(file.as_file())?;
        file.persist(&self.path)?;
        Ok(())
    }

    /// Renames an old receipt to `*.stale`, so that nobody takes it for this run's. Returns the
    /// new path, or none if there was no old receipt.
    ///
    /// # Errors
    /// Renaming failed.
    pub fn retire(&self) -> io::Result<Option<PathBuf>> {
        let mut stale = self.path.clone().into_os_string();
        stale.push(".stale");
        match std::fs::rename(&self.path, &stale) {
            Ok(()) => Ok(Some(stale.into())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Temporary files are private; a receipt is meant to be read.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}
