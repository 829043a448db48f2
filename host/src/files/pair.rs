//! A file and another one beside it: whenever this stops, they belong together.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use super::{
    atomic_file::Staged,
    place::folder_of,
    retire::{rename_to_free, retire},
    temporary,
};

/// What stands beside a new file.
pub enum Beside<'p> {
    /// A new file, which belongs to it.
    New(Staged<'p>),
    /// An old file, which does not, and is renamed to `*.stale`.
    Old(PathBuf),
    /// Nothing that matters.
    Nothing,
}

/// A file that could not be put in its place.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
#[allow(missing_docs)]
pub struct PlaceError {
    pub path: PathBuf,
    pub source: io::Error,
}

/// Puts `main` in its place, and sees to what stands beside it. Returns where the old file beside it
/// is now.
///
/// The old file beside it goes first and the new one comes last. So whoever kills this leaves a file
/// alone, and never beside what belongs to another one.
///
/// # Errors
/// Renaming failed, or another process does the same for too long. Everything is as it was.
pub fn replace_with(main: Staged, beside: Beside) -> Result<Option<PathBuf>, PlaceError> {
    let place = main.path().to_owned();
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| PlaceError { path, source }
    };
    let _turn = Turn::wait(&folder_of(main.target())).map_err(at(&place))?;
    match beside {
        Beside::Nothing => main.commit().map_err(at(&place)).map(|()| None),
        Beside::Old(path) => {
            let stale = retire(&path).map_err(at(&path))?;
            main.commit().map_err(|e| {
                if let Some(stale) = &stale {
                    let _ = rename_to_free(stale, &path);
                }
                at(&place)(e)
            })?;
            Ok(stale)
        }
        Beside::New(new) => {
            let new_path = new.path().to_owned();
            let old = Old::set_aside(new.target()).map_err(at(&new_path))?;
            let old_main = Old::keep(main.target()).map_err(|e| {
                old.put_back();
                at(&place)(e)
            })?;
            main.commit().map_err(|e| {
                old.put_back();
                old_main.forget();
                at(&place)(e)
            })?;
            new.commit().map_err(|e| {
                old_main.put_back();
                old.put_back();
                at(&new_path)(e)
            })?;
            old.forget();
            old_main.forget();
            Ok(None)
        }
    }
}

/// What was at a path, under another name.
struct Old {
    path: PathBuf,
    kept: Option<PathBuf>,
}

impl Old {
    /// Renames what is at `path`.
    fn set_aside(path: &Path) -> io::Result<Self> {
        Self::of(path, rename_to_free)
    }

    /// Gives what is at `path` a second name, or makes a copy.
    fn keep(path: &Path) -> io::Result<Self> {
        Self::of(path, |path, other| match fs::hard_link(path, other) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists && path.exists() => {
                fs::copy(path, other).map(drop)
            }
            linked => linked,
        })
    }

    fn of(path: &Path, make: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<Self> {
        let named = temporary::name_in(&folder_of(path), |other| make(path, other));
        let kept = match named {
            Ok((kept, ())) => Some(kept),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let path = path.to_owned();
        Ok(Self { path, kept })
    }

    /// What has failed is told already; whether this works changes nothing about that.
    fn put_back(&self) {
        let _ = match &self.kept {
            Some(kept) => fs::rename(kept, &self.path),
            None => fs::remove_file(&self.path),
        };
    }

    fn forget(&self) {
        if let Some(kept) = &self.kept {
            let _ = fs::remove_file(kept);
        }
    }
}

/// One process at a time renames files in a folder.
struct Turn {
    _locked: Option<File>,
}

impl Turn {
    /// Renaming takes much less.
    const PATIENCE: Duration = Duration::from_secs(20);
    const BETWEEN_TRIES: Duration = Duration::from_millis(10);

    fn wait(folder: &Path) -> io::Result<Self> {
        // Where folders cannot be opened or locked, the last one to come wins.
        let Ok(locked) = File::open(folder) else {
            return Ok(Self { _locked: None });
        };
        let mut waited = Duration::ZERO;
        while let Err(TryLockError::WouldBlock) = locked.try_lock() {
            if waited >= Self::PATIENCE {
                let what = "another process keeps its folder locked; try again, or name another";
                return Err(io::Error::new(io::ErrorKind::WouldBlock, what));
            }
            sleep(Self::BETWEEN_TRIES);
            waited += Self::BETWEEN_TRIES;
        }
        let locked = Some(locked);
        Ok(Self { _locked: locked })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::atomic_file::AtomicFile, *};

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for (name, content) in files {
                fs::write(folder.path(name), content).unwrap();
            }
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn files(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(self.0.path()).unwrap().map(Result::unwrap);
            let mut files: Vec<_> = entries
                .map(|entry| {
                    let name = entry.file_name().into_string().unwrap();
                    (name, fs::read_to_string(entry.path()).unwrap_or_default())
                })
                .collect();
            files.sort();
            files
        }

        fn assert_has(&self, expected: &[(&str, &str)]) {
            let found = self.files();
            let found: Vec<_> = found.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(found, expected);
        }
    }

    fn staged<'p>(place: &'p AtomicFile, content: &str) -> Staged<'p> {
        place
            .stage(|out| out.write_all(content.as_bytes()))
            .unwrap()
    }

    #[test]
    fn new_ones_replace_old_ones() {
        for old in [&[("b", "old b"), ("m", "old m")][..], &[]] {
            let folder = Folder::with(old);
            let [main, beside] = ["m", "b"].map(|name| AtomicFile::prepare(&folder.path(name)));
            let (main, beside) = (main.unwrap(), beside.unwrap());
            let new = Beside::New(staged(&beside, "new b"));
            assert!(replace_with(staged(&main, "new m"), new).unwrap().is_none());
            folder.assert_has(&[("b", "new b"), ("m", "new m")]);
        }
    }

    #[test]
    fn an_old_one_becomes_stale() {
        let folder = Folder::with(&[("b", "old b"), ("b.stale", "older b")]);
        let main = AtomicFile::prepare(&folder.path("m")).unwrap();
        let stale = replace_with(staged(&main, "new"), Beside::Old(folder.path("b")));
        assert_eq!(stale.unwrap(), Some(folder.path("b.2.stale")));
        let old = [("b.2.stale", "old b"), ("b.stale", "older b")];
        folder.assert_has(&[&old[..], &[("m", "new")]].concat());
    }

    #[test]
    fn one_process_at_a_time_renames() {
        let folder = Folder::with(&[("b", "old b")]);
        let locked = File::open(folder.0.path()).unwrap();
        locked.lock().unwrap();
        let main = AtomicFile::prepare(&folder.path("m")).unwrap();
        let new = staged(&main, "new");
        std::thread::scope(|scope| {
            let old = Beside::Old(folder.path("b"));
            let waiting = scope.spawn(move || replace_with(new, old).unwrap());
            sleep(Turn::BETWEEN_TRIES * 20);
            assert!(folder.path("b").exists() && !folder.path("m").exists());
            drop(locked);
            assert!(waiting.join().unwrap().is_some());
        });
        folder.assert_has(&[("b.stale", "old b"), ("m", "new")]);
    }

    /// A temporary file that is gone makes the last step fail.
    #[test]
    fn a_failure_changes_nothing() {
        for broken in ["m", "b"] {
            for old in [&[("b", "old b"), ("m", "old m")][..], &[]] {
                let folder = Folder::with(old);
                let prepare = |name| AtomicFile::prepare(&folder.path(name)).unwrap();
                let (main, beside) = (prepare("m"), prepare("b"));
                let (new, new_beside) = (staged(&main, "new m"), staged(&beside, "new b"));
                let file = if broken == "m" { &new } else { &new_beside };
                fs::remove_file(file.temporary()).unwrap();
                let failed = replace_with(new, Beside::New(new_beside)).unwrap_err();
                assert_eq!(failed.path, folder.path(broken));
                folder.assert_has(old);
            }
        }
        let old = [("b", "old b"), ("m", "old m")];
        let folder = Folder::with(&old);
        let main = AtomicFile::prepare(&folder.path("m")).unwrap();
        let new = staged(&main, "new m");
        fs::remove_file(new.temporary()).unwrap();
        assert!(replace_with(new, Beside::Old(folder.path("b"))).is_err());
        folder.assert_has(&old);
    }
}
