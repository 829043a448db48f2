//! How large the page is, and that it is the same for everybody.

use std::fs;

use crate::page::{build, index};

/// The most bytes of everything but the example's model.
const MOST: u64 = 1_500_000;

#[test]
fn a_page_is_small_apart_from_its_model_and_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let built = build(folder.path());
    let page = folder.path().join("index.html");
    let [bytes, model] = ["bytes", "model_bytes"].map(|key| built[key].as_u64().unwrap());
    assert_eq!(bytes, fs::metadata(&page).unwrap().len());
    assert!(bytes - model < MOST, "{bytes} bytes, the model has {model}");
    // The longest line is the model, in its element.
    let text = fs::read_to_string(&page).unwrap();
    let longest = text.lines().map(str::len).max().unwrap();
    assert!(model.abs_diff(longest as u64) < 100, "{longest}, {model}");
    assert!(
        text == fs::read_to_string(index()).unwrap(),
        "the pages differ"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
