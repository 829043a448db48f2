//! The folder in which models are kept between runs.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use directories::ProjectDirs;

use crate::exit::{Exit, Failure};

/// The environment variable that moves the folder.
pub const CACHE_VARIABLE: &str = "BITRECEIPT_CACHE";

/// A model file in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// The folder, which may not exist yet: `BITRECEIPT_CACHE`, or where this system keeps caches. None
/// where the system does not say.
pub fn cache_folder() -> Option<PathBuf> {
    match env::var_os(CACHE_VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(folder.into()),
        None => ProjectDirs::from("", "", "bitreceipt").map(|dirs| dirs.cache_dir().to_owned()),
    }
}

/// The folder, made if it was missing.
///
/// # Errors
/// It cannot be made.
pub fn make_cache_folder() -> Result<PathBuf, Failure> {
    let hint = format!("set {CACHE_VARIABLE} to a folder that can be written to");
    let Some(folder) = cache_folder() else {
        let what = "the system names no folder for caches";
        return Err(Failure::new(Exit::Io, what).with_hint(hint));
    };
    fs::create_dir_all(&folder)
        .map_err(|e| Failure::new(Exit::Io, e).at(&folder).with_hint(hint))?;
    Ok(folder)
}

/// The model files directly in a folder, by name. A folder that does not exist has none.
///
/// # Errors
/// The folder cannot be read.
pub fn cache_files(folder: &Path) -> Result<Vec<CachedFile>, Failure> {
    let failed = |e: io::Error| Failure::io(folder, &e);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let (path, metadata) = (entry.path(), entry.metadata().map_err(failed)?);
        if metadata.is_file() && path.extension().is_some_and(|e| e == "gguf") {
            files.push(CachedFile {
                path,
                bytes: metadata.len(),
            });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
