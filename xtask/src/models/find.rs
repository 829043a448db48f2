//! Where a model that is known by its digest may be.

use std::path::{Path, PathBuf};

use super::cache::cache_folder;

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

#[cfg(test)]
mod tests {
    use super::folders;

    #[test]
    fn a_folder_is_looked_into_once() {
        let n_folders = |own: &str| folders(own.as_ref()).len();
        assert_eq!(n_folders("models") + 1, n_folders("elsewhere"));
    }
}
