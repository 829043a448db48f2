//! `-`: standard input and standard output.

use serde_json::json;

use crate::process::{BITRECEIPT, TINY, Workspace};

#[test]
fn a_receipt_on_standard_output_is_all_that_is_there() {
    let workspace = Workspace::empty(BITRECEIPT);
    let words = "benchmark -n 3 -p 4 -r 1 --output -";
    for flags in ["", "--format json", "--quiet"] {
        let ran = workspace.run(&format!("{words} {flags}")).exits(0);
        assert_eq!(ran.json()["schema_version"], "1.0.0");
        assert_eq!(ran.stderr, "");
    }
    assert!(workspace.names(".").is_empty());
    workspace.run("keygen my.key").exits(0);
    let signed = workspace.run(&format!("{words} --sign my.key"));
    signed.fails(2, &["--sign", "bundle"]);
    workspace.run("keygen -").fails(2, &["private key"]);
}

#[test]
fn a_receipt_is_read_from_standard_input() {
    let workspace = Workspace::new();
    workspace.benchmark("--parity full --quiet").exits(0);
    let receipt = workspace.read("ci/inference.json");
    let ran = workspace.run_with_input("verify-receipt --path - --check-parity", receipt);
    assert!(ran.exits(0).stdout.starts_with("accepted: "));
}

#[test]
fn a_transcript_is_read_from_standard_input() {
    let workspace = Workspace::new();
    let transcript = json!({ "version": 1, "prompt_ids": [1, 2], "tokens": [3] });
    let words = "replay - models/tiny.gguf --tolerance 0";
    let ran = workspace.run_with_input(words, transcript.to_string());
    assert!(ran.exits(1).stdout.starts_with("rejected: -"));
    workspace
        .run_with_input(words, "no JSON")
        .fails(4, &["-: "]);
}

#[test]
fn a_model_and_an_array_can_be_piped() {
    let workspace = Workspace::empty(BITRECEIPT);
    let model = workspace
        .command("make-model tiny --output -")
        .output()
        .unwrap();
    assert!(model.status.success() && model.stdout == std::fs::read(TINY).unwrap());
    workspace.write("m.gguf", model.stdout);
    let array = workspace
        .command("logits m.gguf --prompt-ids 1 --output -")
        .output()
        .unwrap();
    assert!(array.status.success() && array.stdout.starts_with(b"\x93NUMPY"));
    assert_eq!(workspace.names("."), ["m.gguf"]);
}
