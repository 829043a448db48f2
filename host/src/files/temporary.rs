//! Temporary files: named so that those of dead runs are recognised, and removed.
//!
//! A name has the process and the time at which it started. A file is locked as long as its writer
//! lives, which also tells where the process can't be seen: in another container, for example.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process,
};

use tempfile::{Builder, NamedTempFile};

const PREFIX: &str = ".bitreceipt-";
const SUFFIX: &str = ".tmp";

/// A new temporary file in `folder`. Only this user can read it.
///
/// # Errors
/// It cannot be created. The message does not have its name, which would only confuse.
pub(super) fn create_in(folder: &Path) -> io::Result<NamedTempFile> {
    let file = make_in(folder, |path| {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    })?;
    // Where there are no locks, the process still tells.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// A name in `folder` that no file has, given to `make`.
///
/// # Errors
/// `make` failed, for another reason than that the name is taken.
pub(super) fn name_in<T>(
    folder: &Path,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    let (made, path) = make_in(folder, make)?.into_parts();
    let path = path.keep().map_err(|e| e.error)?;
    Ok((path, made))
}

/// Removes the temporary files of dead runs from `folder`.
pub(super) fn remove_dead(folder: &Path) {
    // What cannot be listed or removed stays: it is in nobody's way.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if name.to_str().is_some_and(is_dead) && is_file() && is_unlocked(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn make_in<T>(
    folder: &Path,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<NamedTempFile<T>> {
    // `tempfile` adds the path to errors, and hides their number in that.
    let mut code = None;
    let prefix = prefix();
    let mut builder = Builder::new();
    let made = builder
        .prefix(&prefix)
        .suffix(SUFFIX)
        .make_in(folder, |path| {
            make(path).inspect_err(|e| code = e.raw_os_error())
        });
    made.map_err(|e| code.map_or(e, io::Error::from_raw_os_error))
}

fn prefix() -> String {
    let id = process::id();
    format!("{PREFIX}{id}-{}-", start_of(id).unwrap_or(0))
}

/// Whether `name` is that of a temporary file whose process is gone.
fn is_dead(name: &str) -> bool {
    let middle = name.strip_prefix(PREFIX);
    let middle = middle.and_then(|name| name.strip_suffix(SUFFIX));
    let mut parts = middle.into_iter().flat_map(|middle| middle.split('-'));
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (Some(id), Some(start)) = (number(), number()) else {
        return false;
    };
    // A process that cannot be looked at may be alive.
    let own = start_of(process::id());
    let id = u32::try_from(id).ok();
    own.is_some() && id.is_some_and(|id| start_of(id) != Some(start))
}

fn is_unlocked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// When the process `id` started, in ticks since the machine did.
fn start_of(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program stands in brackets, and may be anything.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// A process that has ended, and was waited for.
    fn dead_process() -> u32 {
        let mut child = process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn only_files_of_dead_runs_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (own, dead) = (process::id(), dead_process());
        let start = start_of(own).unwrap();
        let removed = [
            format!("{PREFIX}{dead}-1-abcdef{SUFFIX}"),
            // This number belonged to another process before.
            format!("{PREFIX}{own}-{}-abcdef{SUFFIX}", start + 1),
        ];
        let kept = [
            format!("{PREFIX}{own}-{start}-abcdef{SUFFIX}"),
            format!("{PREFIX}x-1-abcdef{SUFFIX}"),
            format!("{PREFIX}{dead}{SUFFIX}"),
            format!("{PREFIX}{dead}-1-abcdef"),
            ".tmpabcdef".into(),
            "inference.json".into(),
        ];
        for name in removed.iter().chain(&kept) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let of_a_folder = folder
            .path()
            .join(format!("{PREFIX}{dead}-1-folder{SUFFIX}"));
        fs::create_dir(&of_a_folder).unwrap();
        remove_dead(folder.path());
        assert!(
            removed
                .iter()
                .all(|name| !folder.path().join(name).exists())
        );
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
        assert!(of_a_folder.exists());
    }

    /// A writer in another container: its process is not to be seen here, its lock is.
    #[test]
    fn a_locked_file_has_a_living_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join(format!("{PREFIX}{}-1-a{SUFFIX}", dead_process()));
        let file = File::create(&path).unwrap();
        file.lock().unwrap();
        remove_dead(folder.path());
        assert!(path.exists());
        drop(file);
        remove_dead(folder.path());
        assert!(!path.exists());
    }

    #[test]
    fn a_file_in_use_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = create_in(folder.path()).unwrap();
        remove_dead(folder.path());
        assert!(file.path().exists());
    }
}
