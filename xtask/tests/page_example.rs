//! The receipt that the page shows, and the command that builds the page where it cannot.

use std::{path::Path, process::Command};

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");

fn run(args: &[&str]) -> (Option<i32>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(XTASK).args(args).current_dir(root).output();
    let output = output.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_built_in_example_is_accepted_by_the_command() {
    let (code, text) = run(&["verify-receipt", "host/web/page/example.json"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("proved by a replay"), "{text}");
}

#[cfg(not(feature = "web"))]
#[test]
fn without_its_feature_the_command_names_the_one_that_builds_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("site");
    let (code, text) = run(&["web", "--output", output.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("cargo run -p xtask --features web -- web"),
        "{text}"
    );
    assert!(!output.exists());
}
