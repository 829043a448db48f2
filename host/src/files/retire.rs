//! Renames files without replacing any.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::place::with_suffix;

/// More old files than anybody keeps.
const MOST_STALE: u32 = 999;

/// The longest that is added to a name.
pub(super) const LONGEST_SUFFIX: &str = ".999.stale";

/// Renames the file at `path` to `*.stale`, or to `*.2.stale` and so on where there is one already.
/// Returns the new path, or `None` if there was no file.
///
/// # Errors
/// Renaming failed, or there are too many stale files.
pub fn retire(path: &Path) -> io::Result<Option<PathBuf>> {
    for n in 1..=MOST_STALE {
        let stale = match n {
            1 => with_suffix(path, ".stale"),
            n => with_suffix(path, &format!(".{n}.stale")),
        };
        match rename_to_free(path, &stale) {
            Ok(()) => return Ok(Some(stale)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        }
    }
    let what = format!("{MOST_STALE} stale files stand beside it already; remove some");
    Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
}

/// Renames the file at `from` to `to`, which must not exist.
///
/// # Errors
/// Something is at `to`, or renaming failed.
#[cfg(target_os = "linux")]
pub(super) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // This system, or this file system, does not know the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_to_free(from, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    link_to_free(from, to)
}

fn link_to_free(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced() {
        for rename in [rename_to_free, link_to_free] {
            let folder = tempfile::tempdir().unwrap();
            let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
            fs::write(&from, "new").unwrap();
            fs::write(&to, "old").unwrap();
            let refused = rename(&from, &to).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&to).unwrap(), b"old");
            fs::remove_file(&to).unwrap();
            rename(&from, &to).unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"new");
            assert!(!from.exists());
        }
    }

    #[test]
    fn every_old_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        assert_eq!(retire(&path).unwrap(), None);
        // A folder of that name is in the way like a file.
        fs::create_dir(folder.path().join("r.json.2.stale")).unwrap();
        for (content, name) in [("a", "r.json.stale"), ("b", "r.json.3.stale")] {
            fs::write(&path, content).unwrap();
            let stale = folder.path().join(name);
            assert_eq!(retire(&path).unwrap(), Some(stale.clone()));
            assert_eq!(fs::read_to_string(stale).unwrap(), content);
        }
    }
}
