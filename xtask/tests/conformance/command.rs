//! The command with another engine, as a real process.

use std::{fs, process::Command};

use serde_json::Value;

/// An engine that refuses every file with the same words: right where they name the type, otherwise not.
#[test]
fn an_engine_that_refuses_everything() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("refuse.sh");
    fs::write(&script, "echo 'unknown tensor type 36' >&2\nexit 1\n").unwrap();
    let engine = format!("refusing=sh {} {{model}}", script.display());
    let output = Command::new(env!("CARGO_BIN_EXE_bitreceipt"))
        .args([
            "conformance",
            "--engine",
            &engine,
            "--format",
            "json",
            "--quiet",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reads = |case: &str| {
        let rows = report["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["case"] == case).unwrap();
        row["reads"]["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(report["engine"]["name"], "refusing");
    assert_eq!(reads("b158-i2_s"), "refused");
    assert_eq!(reads("llama-tq2_0"), "failed");
    // No file says which layout it has, so no engine is asked.
    assert_eq!(reads("b158-i2_s-row4"), "not_shown");
    assert_eq!(reads("i2_s-cut-half"), "not_shown");
}
