//! The trained model inside the program: what it says, and that a run of it can be proved.

use crate::process::{BITRECEIPT, Ran, Workspace};

const PROMPT: &str = "A slice is";

/// Its greedy continuation. It follows from the file and from the specified arithmetic alone.
const TEXT: &str = "A slice is a slice of bytes that are not a valid slice of bytes.
A slice of bytes that are not a valid slice of bytes.
A slice of bytes that are not a valid slice of by";

/// The transcript of 32 tokens.
const CHECKSUM: &str = "742626ee2de2d539450afd29e10a0fdee578870936671fcdfb0efccd2cc49c34";

/// Runs `words` with the prompt.
fn prompted(workspace: &Workspace, words: &str) -> Ran {
    let mut command = workspace.command(words);
    command.args(["--prompt", PROMPT]);
    Ran::of(command.output().unwrap(), words)
}

#[test]
fn run_needs_no_model_and_prints_english() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = prompted(&workspace, "run -n 48").exits(0);
    assert_eq!(ran.stdout.trim_end(), TEXT);
    let scalar = "run -n 48 --kernel scalar --threads 1 --packing off --screen off";
    assert_eq!(prompted(&workspace, scalar).exits(0).stdout, ran.stdout);
    // In a checkout it is a file.
    let checkout = Workspace::new();
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny-rust.gguf");
    std::fs::copy(committed, checkout.path("models/tiny-rust.gguf")).unwrap();
    assert_eq!(prompted(&checkout, "run -n 48").exits(0).stdout, ran.stdout);
    assert!(!checkout.cache().exists());
}

#[test]
fn a_run_of_it_is_replayed_and_verified_from_the_copy_inside() {
    let workspace = Workspace::empty(BITRECEIPT);
    prompted(&workspace, "run -n 1").exits(0);
    let file = workspace.cache().join("tiny-rust.gguf");
    let words = format!("benchmark {} -n 32 -r 1", file.display());
    prompted(&workspace, &words).exits(0);
    let receipt: serde_json::Value =
        serde_json::from_slice(&workspace.read("inference.json")).unwrap();
    assert_eq!(receipt["parity"]["status"], "passed");
    assert_eq!(receipt["parity"]["checksum"], CHECKSUM);
    std::fs::remove_file(file).unwrap();
    workspace.run("verify-receipt inference.json").exits(0);
}
