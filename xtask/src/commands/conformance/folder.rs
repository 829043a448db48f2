//! A folder with the corpus.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use host::files::AtomicFile;

use crate::exit::Failure;

/// Writes files into a folder, which is made where it is missing. Other files in it stay.
///
/// # Errors
/// The first file or folder that cannot be written.
pub fn write(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<(), Failure> {
    for (name, bytes) in files {
        let path = folder.join(name);
        let failed = |e: io::Error| Failure::io(&path, &e);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        AtomicFile::prepare(&path)
            .and_then(|file| file.replace(|out| out.write_all(bytes)))
            .map_err(failed)?;
    }
    Ok(())
}
