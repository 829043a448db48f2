//! Files that are written completely or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    place::{check_name, check_owner, folder_of, resolve},
    retire::{LONGEST_SUFFIX, retire},
    temporary,
};

/// A path at which a file can be written. This is checked before the work whose result is written.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    /// The file itself, where `path` is a link.
    target: PathBuf,
}

impl AtomicFile {
    /// Checks that a file can be created at `path`, or replaced. Links are followed. Temporary files
    /// that dead runs have left in its folder are removed.
    ///
    /// # Errors
    /// The folder is missing or cannot be written to; the name is too long; or `path` is no regular
    /// file and does not lead to one.
    pub fn prepare(path: &Path) -> io::Result<Self> {
        check_name(path, "")?;
        let target = resolve(path)?;
        check_name(&target, "")?;
        check_owner(&target)?;
        let folder = folder_of(&target);
        temporary::remove_dead(&folder);
        temporary::create_in(&folder)?.close()?;
        Ok(Self {
            path: path.to_owned(),
            target,
        })
    }

    /// Checks that files with `suffix` behind the name can be written, too, and become stale.
    ///
    /// # Errors
    /// The name is too long.
    pub fn check_beside(&self, suffix: &str) -> io::Result<()> {
        let suffix = format!("{suffix}{LONGEST_SUFFIX}");
        check_name(&self.path, &suffix)?;
        check_name(&self.target, &suffix)
    }

    /// Checks that writing would not replace `input`, which messages call `what`.
    ///
    /// # Errors
    /// Both paths name the same file.
    pub fn spares(&self, what: &str, input: &Path) -> io::Result<()> {
        if let (Ok(path), Ok(input)) = (self.target.canonicalize(), input.canonicalize())
            && path == input
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("is the {what} that is read; name another output"),
            ));
        }
        Ok(())
    }

    /// Whether both would be one file, which need not be there yet.
    pub fn is_same_place(&self, other: &Self) -> bool {
        let place = |file: &Self| {
            let folder = folder_of(&file.target).canonicalize().ok();
            (folder, file.target.file_name().map(ToOwned::to_owned))
        };
        place(self) == place(other)
    }

    /// The path at which the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself: where the path is a link, what it leads to.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Creates the file, or replaces it, with what `write` writes.
    ///
    /// # Errors
    /// Writing failed; an old file is unchanged.
    pub fn replace<E: From<io::Error>>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        Ok(self.stage(write)?.commit()?)
    }

    /// Writes the file under another name, from where only renaming it is left.
    ///
    /// # Errors
    /// Writing failed; an old file is unchanged.
    pub fn stage<E: From<io::Error>>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<Staged<'_>, E> {
        let file = temporary::create_in(&folder_of(&self.target))?;
        // The file alone: errors of the temporary one have its path, too, which would only confuse.
        let mut buffered = io::BufWriter::with_capacity(1 << 20, file.as_file());
        write(&mut buffered)?;
        buffered.into_inner().map_err(|e| e.into_error())?;
        make_readable(file.as_file())?;
        file.as_file().sync_all()?;
        Ok(Staged { place: self, file })
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
        let file = temporary::create_in(&folder_of(&self.target))?;
        // Unbuffered: a buffer would keep a copy of a secret.
        file.as_file().write_all(content)?;
        set_mode(file.as_file())?;
        file.as_file().sync_all()?;
        let exists = "exists and is never replaced; name another output";
        match file.persist_noclobber(&self.target).map_err(|e| e.error) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(io::Error::new(e.kind(), exists))
            }
            Err(e) => Err(e),
        }
    }

    /// As [`retire`], for this file.
    ///
    /// # Errors
    /// Renaming failed, or there are too many stale files.
    pub fn retire(&self) -> io::Result<Option<PathBuf>> {
        retire(&self.target)
    }
}

/// A file that is complete, under another name.
#[derive(Debug)]
pub struct Staged<'p> {
    place: &'p AtomicFile,
    file: NamedTempFile,
}

impl Staged<'_> {
    /// The path at which the file will be.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn target(&self) -> &Path {
        self.place.target()
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Renaming failed; an old file is unchanged.
    pub fn commit(self) -> io::Result<()> {
        self.file.persist(&self.place.target).map_err(|e| e.error)?;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn temporary(&self) -> &Path {
        self.file.path()
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
