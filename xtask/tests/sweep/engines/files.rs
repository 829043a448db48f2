//! The file of an engine that does not read the model.

use serde_json::Value;

use super::{benchmark, receipt, workspace};

/// The digest of the file is recorded only if it is another one.
#[test]
fn a_file_of_the_engine_is_the_model_or_has_its_weights() {
    let workspace = workspace();
    std::fs::copy(workspace.path("q.gguf"), workspace.path("copy.gguf")).unwrap();
    let other = [("other", "right")];
    let words = "-t 1 --output r.json -q --engine-model";
    benchmark(&workspace, &other, &format!("{words} copy.gguf")).exits(0);
    assert_eq!(
        receipt(&workspace, "r.json")["engine"]["model"],
        Value::Null
    );
    workspace
        .run("make-model qwen3-tiny --seed 5 --output other.gguf")
        .exits(0);
    let ran = benchmark(&workspace, &other, &format!("{words} other=other.gguf"));
    ran.fails(3, &["other.gguf", "weights"]);
    let ran = benchmark(&workspace, &other, &format!("{words} absent.gguf"));
    ran.fails(5, &["absent.gguf"]);
}

/// Opening a pipe would wait for ever.
#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_of_an_engine() {
    let workspace = workspace();
    let made = std::process::Command::new("mkfifo")
        .arg(workspace.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    let words = "-t 1 --output r.json -q --engine-model pipe";
    let ran = benchmark(&workspace, &[("other", "right")], words);
    ran.fails(5, &["pipe", "not a regular file"]);
}

/// That of other weights takes as long to hash and to compare as a right one.
#[test]
fn a_file_is_compared_once_for_all_cells() {
    let workspace = workspace();
    workspace
        .run("make-model qwen3-tiny --seed 5 --output other.gguf")
        .exits(0);
    let words = "-t 1,2 --output-dir out --progress plain --engine-model other.gguf";
    let ran = benchmark(&workspace, &[("other", "right")], words).exits(3);
    let hashed = ran.stderr.matches(": hash the model").count();
    assert_eq!(hashed, 1, "{}", ran.stderr);
    for threads in [1, 2] {
        let line = format!("error: cell q-p4-n6-t{threads}-other: other.gguf: its weights are not");
        assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    }
}
