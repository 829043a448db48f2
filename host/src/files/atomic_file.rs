//! Files that appear whole or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// A place where a file can be put, found out before the work that fills it.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    folder: PathBuf,
}

impl AtomicFile {
    /// Checks that a file can be made beside `path`.
    ///
    /// # Errors
    /// The folder is missing or cannot be written to, or `path` is neither a file nor a link.
    pub fn prepare(path: &Path) -> io::Result<Self> {
        // A link is replaced, not followed.
        let existing = std::fs::symlink_metadata(path).map(|m| m.file_type());
        if let Ok(found) = existing
            && !found.is_file()
            && !found.is_symlink()
        {
            let what = match found.is_dir() {
                true => "is a folder, a file is needed",
                false => "is a pipe or a device, a file is needed",
            };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        // The reason alone: the temporary file's name would say nothing.
        NamedTempFile::new_in(&folder)
            .and_then(NamedTempFile::close)
            .map_err(|e| io::Error::new(e.kind(), e.kind().to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            folder,
        })
    }

    /// As [`AtomicFile::prepare`], for the result of reading `input`, the model, which it must not
    /// replace.
    ///
    /// # Errors
    /// As for [`AtomicFile::prepare`], or both are one file.
    pub fn beside_input(path: &Path, input: &Path) -> io::Result<Self> {
        let output = Self::prepare(path)?;
        output.spares("model", input)?;
        Ok(output)
    }

    /// Checks that it would not replace `input`, which is `what`.
    ///
    /// # Errors
    /// Both are one file.
    pub fn spares(&self, what: &str, input: &Path) -> io::Result<()> {
        if let (Ok(path), Ok(input)) = (self.path.canonicalize(), input.canonicalize())
            && path == input
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("is the {what} that is read; name another output"),
            ));
        }
        Ok(())
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file by what `write` writes.
    ///
    /// # Errors
    /// Writing failed; the old file is as it was.
    pub fn replace<E: From<io::Error>>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = NamedTempFile::new_in(&self.folder)?;
        let mut buffered = io::BufWriter::with_capacity(1 << 20, file);
        write(&mut buffered)?;
        let file = buffered.into_inner().map_err(|e| e.into_error())?;
        make_readable(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|e| e.error)?;
        Ok(())
    }

    /// Makes the file, where there is none.
    ///
    /// # Errors
    /// Writing failed, or there is a file, which is left as it is.
    pub fn create(&self, content: &[u8]) -> io::Result<()> {
        self.create_with(content, make_readable)
    }

    /// As [`AtomicFile::create`], readable by nobody but its owner.
    ///
    /// # Errors
    /// As for [`AtomicFile::create`].
    pub fn create_private(&self, content: &[u8]) -> io::Result<()> {
        // As temporary files are.
        self.create_with(content, |_| Ok(()))
    }

    fn create_with(
        &self,
        content: &[u8],
        set_mode: fn(&std::fs::File) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        // Without a buffer, which would keep a copy of a secret.
        file.write_all(content)?;
        set_mode(file.as_file())?;
        file.as_file().sync_all()?;
        let exists = "exists and is never replaced; name another output";
        match file.persist_noclobber(&self.path).map_err(|e| e.error) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(io::Error::new(e.kind(), exists))
            }
            Err(e) => Err(e),
        }
    }

    /// Renames the file to `*.stale`. Returns the new path, or none if there was no file.
    ///
    /// # Errors
    /// Renaming failed.
    pub fn retire(&self) -> io::Result<Option<PathBuf>> {
        retire(&self.path)
    }
}

/// Renames the file at `path` to `*.stale`. Returns the new path, or none if there was no file.
///
/// # Errors
/// Renaming failed.
pub fn retire(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut stale = path.to_owned().into_os_string();
    stale.push(".stale");
    match std::fs::rename(path, &stale) {
        Ok(()) => Ok(Some(stale.into())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Temporary files are private; what a command writes is meant to be read.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}
