//! Files that are written completely or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// A path at which a file can be written. This is checked before the work whose result is written.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    folder: PathBuf,
}

impl AtomicFile {
    /// Checks that a file can be created in the folder of `path`.
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
                true => "is a folder; name a file",
                false => "is a pipe or a device; name a regular file",
            };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        // Without the name of the temporary file, which would only confuse.
        NamedTempFile::new_in(&folder)
            .and_then(NamedTempFile::close)
            .map_err(|e| io::Error::new(e.kind(), e.kind().to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            folder,
        })
    }

    /// Like [`AtomicFile::prepare`], and checks that `path` is not the model `input`.
    ///
    /// # Errors
    /// As for [`AtomicFile::prepare`], or both paths name the same file.
    pub fn beside_input(path: &Path, input: &Path) -> io::Result<Self> {
        let output = Self::prepare(path)?;
        output.spares("model", input)?;
        Ok(output)
    }

    /// Checks that writing would not replace `input`, which messages call `what`.
    ///
    /// # Errors
    /// Both paths name the same file.
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

    /// The path at which the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the file, or replaces it, with what `write` writes.
    ///
    /// # Errors
    /// Writing failed; an old file is unchanged.
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

    /// Creates the file; never replaces one.
    ///
    /// # Errors
    /// Writing failed, or the file exists already.
    pub fn create(&self, content: &[u8]) -> io::Result<()> {
        self.create_with(content, make_readable)
    }

    /// Like [`AtomicFile::create`], but only the owner can read the file.
    ///
    /// # Errors
    /// As for [`AtomicFile::create`].
    pub fn create_private(&self, content: &[u8]) -> io::Result<()> {
        // Temporary files are private already.
        self.create_with(content, |_| Ok(()))
    }

    fn create_with(
        &self,
        content: &[u8],
        set_mode: fn(&std::fs::File) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        // Unbuffered: a buffer would keep a copy of a secret.
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

    /// Renames the file to `*.stale`. Returns the new path, or `None` if there was no file.
    ///
    /// # Errors
    /// Renaming failed.
    pub fn retire(&self) -> io::Result<Option<PathBuf>> {
        retire(&self.path)
    }
}

/// Renames the file at `path` to `*.stale`. Returns the new path, or `None` if there was no file.
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

/// Temporary files are private, but the output of a command is meant for others, too.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}
