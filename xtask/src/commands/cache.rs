//! `cache`: the folder in which models are kept.

use std::{fs, path::PathBuf};

use serde::Serialize;

use crate::{
    args::{CacheClearArgs, CacheListArgs, OutputArgs},
    exit::{Exit, Failure},
    models::{CACHE_VARIABLE, CachedFile, cache_files, cache_folder},
    output::show,
    units,
};

#[derive(Debug, Serialize)]
struct Report {
    folder: PathBuf,
    files: Vec<Entry>,
    removed: bool,
}

#[derive(Debug, Serialize)]
struct Entry {
    file: String,
    bytes: u64,
}

/// Shows the folder and the models in it.
///
/// # Errors
/// The folder cannot be read.
pub fn list(args: &CacheListArgs) -> Result<Exit, Failure> {
    let (folder, files) = found()?;
    show_files(args.output, folder, &files, false)?;
    Ok(Exit::Done)
}

/// Removes the models in the folder, if the user has agreed to what is shown without that.
///
/// # Errors
/// A file cannot be removed, or the user has not agreed.
pub fn clear(args: &CacheClearArgs) -> Result<Exit, Failure> {
    let (folder, files) = found()?;
    if !args.yes && !files.is_empty() {
        let names: Vec<String> = files.iter().map(|f| f.path.display().to_string()).collect();
        let what = format!("would remove {}", names.join(", "));
        return Err(Failure::new(Exit::Usage, what).with_hint("add --yes to remove them"));
    }
    for file in &files {
        fs::remove_file(&file.path).map_err(|e| Failure::io(&file.path, &e))?;
    }
    show_files(args.output, folder, &files, true)?;
    Ok(Exit::Done)
}

fn found() -> Result<(PathBuf, Vec<CachedFile>), Failure> {
    let folder = cache_folder().ok_or_else(|| {
        let hint = format!("set {CACHE_VARIABLE} to a folder");
        Failure::new(Exit::Io, "the system names no folder for caches").with_hint(hint)
    })?;
    let files = cache_files(&folder)?;
    Ok((folder, files))
}

fn show_files(
    output: OutputArgs,
    folder: PathBuf,
    files: &[CachedFile],
    removed: bool,
) -> Result<(), Failure> {
    let entries = files.iter().map(|file| Entry {
        file: file
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into(),
        bytes: file.bytes,
    });
    let report = Report {
        folder,
        files: entries.collect(),
        removed,
    };
    show(output, &report, || report.text())
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        for entry in &self.files {
            let size = units::bytes(entry.bytes);
            text += &format!("{size:>10}  {}\n", entry.file);
        }
        let total = units::bytes(self.files.iter().map(|entry| entry.bytes).sum());
        let what = match self.removed {
            true => "removed from",
            false => "in",
        };
        let n = self.files.len();
        let models = if n == 1 { "model" } else { "models" };
        text + &format!("{n} {models}, {total}, {what} {}\n", self.folder.display())
    }
}
