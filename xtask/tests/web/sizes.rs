//! How large the page is, and that it is the same for everybody.

use std::{fs, process::Command};

use crate::{
    page::{index, tiny},
    process::{Ran, XTASK},
};

/// The most bytes of everything but the example's model.
const MOST: u64 = 1_500_000;

#[test]
fn a_page_is_small_apart_from_its_model() {
    let page = fs::metadata(index()).unwrap().len();
    // In base64, four characters for three bytes.
    let model = fs::metadata(tiny()).unwrap().len().div_ceil(3) * 4;
    assert!(page > model, "{page} bytes, the model has {model}");
    assert!(page - model < MOST, "{} bytes", page - model);
}

#[test]
fn the_command_makes_the_same_page_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(XTASK);
    command
        .args(["web", "--quiet", "--output"])
        .arg(folder.path());
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    Ran::of(command.output().unwrap(), "web").exits(0);
    let again = fs::read(folder.path().join("index.html")).unwrap();
    assert!(again == fs::read(index()).unwrap(), "the pages differ");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}
