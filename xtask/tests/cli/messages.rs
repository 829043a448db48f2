//! What is wrong, and what to do about it: for people, and as an object for programs.

use serde_json::{Value, json};

use crate::process::{BITRECEIPT, Workspace};

#[test]
fn an_error_is_an_object_where_json_was_asked_for() {
    let workspace = Workspace::empty(BITRECEIPT);
    for words in [
        "inspect absent/m.gguf --format json",
        "inspect absent/m.gguf --format=json",
    ] {
        let ran = workspace
            .run(words)
            .ends(5, &["absent/m.gguf", "there is no folder absent"]);
        let error = &ran.json()["error"];
        assert_eq!(error["code"], 5);
        assert_eq!(error["where"], "absent/m.gguf");
        assert!(error["what"].as_str().unwrap().starts_with("No such file"));
        assert!(error["hint"].as_str().unwrap().contains("absent"));
        assert_eq!(ran.json().as_object().unwrap().len(), 1);
    }
}

#[test]
fn refused_words_are_an_object_too() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("inspect --format json").exits(2);
    let error = &ran.json()["error"];
    assert_eq!((&error["code"], &error["where"]), (&json!(2), &Value::Null));
    assert!(
        error["what"].as_str().unwrap().contains("required"),
        "{error}"
    );
    let ran = workspace.run("inspct --format json").exits(2);
    let error = &ran.json()["error"];
    assert!(
        error["hint"].as_str().unwrap().contains("inspect"),
        "{error}"
    );
    // Help is no error.
    let help = workspace.run("inspect --format json --help").exits(0);
    assert!(help.stdout.contains("Usage: bitreceipt inspect"));
}

#[test]
fn files_of_the_same_kind_are_named_where_one_is_missing() {
    let workspace = Workspace::new();
    let ran = workspace.run("inspect models/tinny.gguf");
    ran.fails(5, &["models/tinny.gguf", "did you mean models/tiny.gguf?"]);
    let ran = workspace.run("inspect tiny.gguf");
    ran.fails(5, &["did you mean models/tiny.gguf?"]);
}

#[test]
fn a_file_of_another_kind_is_named() {
    let workspace = Workspace::new();
    let safetensors = b"\x40\x00\x00\x00\x00\x00\x00\x00{\"__metadata__\":{}}";
    workspace.write("model.safetensors", safetensors);
    for command in ["inspect", "benchmark", "run --prompt on"] {
        let ran = workspace.run(&format!("{command} model.safetensors"));
        ran.fails(4, &["this is a safetensors file", "GGUF"]);
    }
}

#[test]
fn a_receipt_is_not_replayed() {
    let workspace = Workspace::new();
    workspace.benchmark("--quiet").exits(0);
    let ran = workspace.run("replay ci/inference.json models/tiny.gguf");
    ran.fails(4, &["this is a receipt; use verify-receipt"]);
}

#[test]
fn unknown_presets_are_answered_with_those_that_are() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("make-model tini --cache");
    ran.refuses_words(&["'tini'", "tiny, 2b4t", "similar"]);
}

#[test]
fn a_missing_file_is_answered_with_the_command_that_makes_it() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace.run("inspect m.gguf");
    ran.fails(5, &["m.gguf", "`bitreceipt model list`"]);
    let ran = workspace.run("verify-receipt");
    ran.fails(
        5,
        &["inference.json", "`bitreceipt benchmark` writes a receipt"],
    );
    let ran = workspace.run("benchmark --sign my.key");
    ran.fails(5, &["my.key", "`bitreceipt keygen my.key` makes it"]);
    let xtask = Workspace::new();
    let ran = xtask.run("benchmark --sign my.key");
    ran.fails(5, &["`cargo run -p xtask -- keygen my.key` makes it"]);
}

#[test]
fn folders_and_public_keys_are_not_what_they_are_named_for() {
    let workspace = Workspace::new();
    let ran = workspace.run("inspect models");
    ran.fails(5, &["models: ", "did you mean models/tiny.gguf?"]);
    workspace.run("keygen my.key").exits(0);
    let ran = workspace.run("benchmark --sign my.key.pub");
    ran.fails(4, &["my.key.pub: is a public key", "my.key"]);
}

#[test]
fn numbers_that_are_none_are_shown() {
    let workspace = Workspace::empty(BITRECEIPT);
    for flag in ["--seed", "--threads", "--prompt-ids"] {
        let ran = workspace.run(&format!("benchmark {flag} x"));
        ran.refuses_words(&[flag, "found \"x\", allowed whole numbers"]);
    }
}
