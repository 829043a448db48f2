//! Text in and out: `run` and `benchmark --prompt`.

use host::digest::Digest;
use serde_json::json;

use crate::process::{Ran, TINY, Workspace};

const TEXT: &str = "the sea \u{1F30A}";

/// Runs `words` with a text that has a space.
fn with_text(workspace: &Workspace, words: &str) -> Ran {
    let mut command = workspace.command(words);
    command.args(["--prompt", TEXT]);
    Ran::of(command.output().unwrap(), words)
}

#[test]
fn run_continues_the_text() {
    let workspace = Workspace::new();
    let long = with_text(&workspace, "run models/tiny.gguf --tokens 12").exits(0);
    assert!(long.stdout.starts_with(TEXT), "{}", long.stdout);
    assert!(long.stdout.len() > TEXT.len() + 12, "{}", long.stdout);
    assert_eq!(long.stderr, "");
    // The same on other kernels and threads; a shorter run is its beginning.
    let scalar = "run models/tiny.gguf --tokens 12 --kernel scalar --threads 1";
    assert_eq!(with_text(&workspace, scalar).exits(0).stdout, long.stdout);
    let short = with_text(&workspace, "run models/tiny.gguf --tokens 4").exits(0);
    assert!(
        long.stdout.starts_with(short.stdout.trim_end()),
        "{}",
        short.stdout
    );
    // No time was taken, so no speed is shown.
    assert!(!long.stdout.contains("tokens/s"), "{}", long.stdout);
}

#[test]
fn run_refuses_what_cannot_be() {
    let workspace = Workspace::new();
    let too_long = with_text(&workspace, "run models/tiny.gguf --tokens 4096");
    too_long.fails(2, &["2048"]);
    with_text(&workspace, "run absent.gguf").fails(5, &["absent.gguf"]);
    workspace.write("text.gguf", "no model at all");
    with_text(&workspace, "run text.gguf").fails(4, &["text.gguf", "GGUF"]);
    workspace
        .run("run models/tiny.gguf")
        .refuses_words(&["--prompt"]);
}

/// The default model under another name of its pre-tokenizer, which must be as long.
fn renamed(workspace: &Workspace, pre: &str) {
    let mut bytes = std::fs::read(TINY).unwrap();
    let old = b"llama-bpe";
    let at = bytes.windows(old.len()).position(|w| w == old).unwrap();
    bytes[at..at + old.len()].copy_from_slice(pre.as_bytes());
    workspace.write("renamed.gguf", bytes);
}

/// llama.cpp's converter calls the pre-tokenizer of Falcon-E so.
#[test]
fn names_of_one_pre_tokenizer_give_the_same_text() {
    let workspace = Workspace::new();
    let want = with_text(&workspace, "run models/tiny.gguf --tokens 4").exits(0);
    renamed(&workspace, "falcon-h1");
    let found = with_text(&workspace, "run renamed.gguf --tokens 4").exits(0);
    assert_eq!(found.stdout, want.stdout);
    let inspected = workspace.run("inspect renamed.gguf").exits(0);
    assert!(inspected.stdout.contains("gpt2 BPE, falcon-h1, "));
}

#[test]
fn an_unknown_pre_tokenizer_is_named_with_those_that_are_known() {
    let workspace = Workspace::new();
    renamed(&workspace, "llama-abc");
    let parts = [
        "tokenizer.ggml.pre",
        "\"llama-abc\"",
        "llama-bpe, ",
        "qwen2, ",
        "`benchmark` can run this model without a text",
        "--prompt-ids",
        "--seed",
    ];
    with_text(&workspace, "run renamed.gguf --tokens 4").fails(4, &parts);
    with_text(&workspace, "benchmark --model renamed.gguf --tokens 4").fails(4, &parts);
    let words = "benchmark --model renamed.gguf --tokens 3 --seed 7 --parity off";
    workspace.run(words).exits(0);
}

/// A model file without a tokenizer still takes ids, and says so.
#[test]
fn a_file_without_a_tokenizer_takes_ids() {
    let workspace = Workspace::new();
    let bare = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/oracle/G-tq2_0-embq4_k.gguf"
    );
    let mut bytes = std::fs::read(bare).unwrap();
    let key = b"tokenizer.ggml.model";
    let at = bytes.windows(key.len()).position(|w| w == key).unwrap();
    bytes[at..at + key.len()].copy_from_slice(b"tokenizer.ggml.other");
    workspace.write("bare.gguf", bytes);
    with_text(&workspace, "run bare.gguf").fails(4, &["tokenizer.ggml.model", "--prompt-ids"]);
    let words = "benchmark --model bare.gguf --prompt-ids 1,2,3 --tokens 3 --parity off";
    workspace.run(words).exits(0);
}

#[test]
fn the_receipt_has_the_ids_and_the_digest_of_the_text() {
    let workspace = Workspace::new();
    let words = "benchmark --tokens 3 --repetitions 1";
    with_text(&workspace, words).exits(0);
    let receipt = workspace.receipt_json();
    let sha256 = Digest::of(TEXT.as_bytes()).to_string();
    assert_eq!(
        receipt["run"]["prompt"],
        json!({ "kind": "text", "sha256": sha256 })
    );
    let ids = receipt["run"]["prompt_ids"].as_array().unwrap();
    // Begin-of-text, then tokens whose bytes are the text.
    assert_eq!(ids[0], 496);
    assert!(ids.len() > 2 && ids.len() <= 1 + TEXT.len());
    workspace.run("verify-receipt").exits(0);
    with_text(&workspace, "benchmark --prompt-ids 1,2").refuses_words(&["--prompt-ids"]);
}
