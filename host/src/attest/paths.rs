//! The default paths of bundles and public keys: next to the receipt or the private key.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// What the name of a bundle has behind that of its receipt.
pub const BUNDLE_SUFFIX: &str = ".dsse.json";

/// The path of the bundle of the receipt at `receipt`: with `.dsse.json` appended.
pub fn bundle_path(receipt: &Path) -> PathBuf {
    with_suffix(receipt, BUNDLE_SUFFIX)
}

/// What the name of a challenger's statement has behind that of the receipt.
pub const CHALLENGED_SUFFIX: &str = ".challenged.dsse.json";

/// The path of the challenger's statement about the receipt at `receipt`: with `.challenged.dsse.json` appended.
pub fn challenged_path(receipt: &Path) -> PathBuf {
    with_suffix(receipt, CHALLENGED_SUFFIX)
}

/// The path of the public half of the key at `path`: with `.pub` appended.
pub fn public_key_path(path: &Path) -> PathBuf {
    with_suffix(path, ".pub")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
