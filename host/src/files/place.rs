//! Where a file can be written: found out before the work whose result is written.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// The regular file that `path` means, which need not be there yet: links are followed.
///
/// # Errors
/// `path` is, or leads to, a folder, a pipe, a device, or a file that a process has open.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = folder_of(&at);
        // A link in there stands for a stream that somebody is writing to already.
        if fs::canonicalize(&folder).is_ok_and(|folder| folder.starts_with("/proc")) {
            return Err(refused(
                "leads into /proc; name a regular file, or - for standard output",
            ));
        }
        let found = match fs::symlink_metadata(&at) {
            Ok(found) => found.file_type(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return name_of(at),
            Err(e) => return Err(e),
        };
        if found.is_symlink() {
            at = folder.join(fs::read_link(&at)?);
        } else if found.is_dir() {
            return Err(refused("is a folder; name a file"));
        } else if found.is_file() {
            return Ok(at);
        } else {
            return Err(refused("is a pipe or a device; name a regular file"));
        }
    }
    Err(refused("is a link that leads in a circle; name a file"))
}

/// The folder of the file at `path`.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// `path` with `suffix` behind its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Checks that a file may have the name of `path` with `suffix` behind it.
///
/// # Errors
/// The name is too long.
pub(super) fn check_name(path: &Path, suffix: &str) -> io::Result<()> {
    // Whoever looks such a file up is told, too.
    let found = fs::symlink_metadata(with_suffix(path, suffix));
    let too_long = found
        .err()
        .filter(|e| e.kind() == io::ErrorKind::InvalidFilename);
    too_long.map_or(Ok(()), |_| {
        Err(refused(&match suffix {
            "" => "the name is too long".to_owned(),
            suffix => format!("the name is too long: there is no room for {suffix} behind it"),
        }))
    })
}

/// Checks that this user may replace the file at `path`.
///
/// # Errors
/// It belongs to somebody else, and so does its folder, in which everybody keeps what is theirs.
#[cfg(unix)]
pub(super) fn check_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    const STICKY: u32 = 0o1000;
    let user = rustix::process::geteuid();
    let (Ok(file), Ok(folder)) = (fs::metadata(path), fs::metadata(folder_of(path))) else {
        return Ok(());
    };
    let is_mine = |owner| user.is_root() || owner == user.as_raw();
    if folder.mode() & STICKY != 0 && !is_mine(file.uid()) && !is_mine(folder.uid()) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "belongs to another user; name another file",
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check_owner(_: &Path) -> io::Result<()> {
    Ok(())
}

/// `path`, if a file can have its name.
fn name_of(path: PathBuf) -> io::Result<PathBuf> {
    let last = path.as_os_str().as_encoded_bytes().last().copied();
    let is_folder = last.is_none_or(|last| std::path::is_separator(last.into()));
    match is_folder || path.file_name().is_none() {
        true => Err(refused("is no name of a file; name a file")),
        false => Ok(path),
    }
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
