//! Where the files of a signature lie: beside what they belong to.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Where the bundle of the receipt at `receipt` lies: its name with `.dsse.json` at the end.
pub fn bundle_path(receipt: &Path) -> PathBuf {
    with_suffix(receipt, ".dsse.json")
}

/// Where the public half of the key at `path` goes: its name with `.pub` at the end.
pub fn public_key_path(path: &Path) -> PathBuf {
    with_suffix(path, ".pub")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
