//! Where a model that is known by its digest may be.

use std::path::{Path, PathBuf};

use super::cache::{cache_files, cache_folder};

/// The folders in which the model of a receipt in `receipt_dir` is looked for, in this order:
/// `models`, the receipt's own, the cache. They need not exist.
pub fn folders(receipt_dir: &Path) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("models")];
    let own = match receipt_dir.as_os_str().is_empty() {
        true => Path::new("."),
        false => receipt_dir,
    };
    for folder in [Some(own.to_owned()), cache_folder()].into_iter().flatten() {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// All model files in these folders. A folder that cannot be read has none.
pub fn files(receipt_dir: &Path) -> Vec<PathBuf> {
    let folders = folders(receipt_dir).into_iter();
    let files = folders.flat_map(|folder| cache_files(&folder).unwrap_or_default());
    files.map(|file| file.path).collect()
}

#[cfg(test)]
mod tests {
    use super::{files, folders};

    #[test]
    fn a_folder_is_looked_into_once() {
        let n_folders = |own: &str| folders(own.as_ref()).len();
        assert_eq!(n_folders("models") + 1, n_folders("elsewhere"));
    }

    #[test]
    fn only_model_files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.gguf", "a.gguf", "c.json"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("d.gguf")).unwrap();
        let mut found = files(folder.path());
        found.retain(|path| path.starts_with(folder.path()));
        assert_eq!(found, ["a.gguf", "b.gguf"].map(|n| folder.path().join(n)));
    }
}
