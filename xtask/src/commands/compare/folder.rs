//! The receipts of a comparison of builds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::exit::{Exit, Failure};

/// Where receipts go: a folder that was named, or one that is gone afterwards.
pub(super) enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    pub(super) fn prepare(kept: Option<&Path>) -> Result<Self, Failure> {
        let folder = match kept {
            None => {
                let folder = tempfile::tempdir();
                Self::Temporary(folder.map_err(|e| Failure::of_io(&e).about("temporary folder"))?)
            }
            Some(path) => Self::Kept(path.to_owned()),
        };
        for side in 0..2 {
            let path = folder.side(side);
            fs::create_dir_all(&path).map_err(|e| Failure::io(&path, &e))?;
            let mut entries = fs::read_dir(&path).map_err(|e| Failure::io(&path, &e))?;
            // Receipts of another comparison would be compared as if they were of this one.
            if entries.next().is_some() {
                let failure = Failure::new(Exit::Usage, "this folder is not empty").at(&path);
                return Err(failure.with_hint("name a new folder with --output-dir"));
            }
        }
        Ok(folder)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// The folder of a side's receipts, which `compare` can read again.
    fn side(&self, side: usize) -> PathBuf {
        self.path().join(["a", "b"][side])
    }

    /// The receipt of the run that was replayed. It has its own number of repetitions.
    pub(super) fn proof(&self, side: usize) -> PathBuf {
        self.path()
            .join(["a-replayed.json", "b-replayed.json"][side])
    }

    pub(super) fn run(&self, side: usize, run: usize) -> PathBuf {
        self.side(side).join(format!("{run:03}.json"))
    }
}
