//! `make-model`, `inspect` and `model verify`.

use host::digest::Digest;
use serde_json::Value;

use crate::process::{TINY, Workspace};

/// The pinned digest of the committed model.
fn pinned_sha256() -> String {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/manifest.json");
    let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let mut entries = manifest.as_array().unwrap().iter();
    let tiny = entries.find(|e| e["preset"] == "tiny").unwrap();
    tiny["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn make_model_writes_the_pinned_bytes_every_time() {
    let workspace = Workspace::new();
    for name in ["a.gguf", "b.gguf"] {
        let ran = workspace.run(&format!("make-model --preset tiny --output {name}"));
        let ran = ran.exits(0);
        assert!(ran.stdout.starts_with(name), "{}", ran.stdout);
        let bytes = workspace.read(name);
        assert_eq!(Digest::of(&bytes).to_string(), pinned_sha256());
        assert!(bytes == std::fs::read(TINY).unwrap());
    }
    let again = "make-model --preset tiny --seed 5 --output a.gguf";
    workspace
        .run(again)
        .fails(5, &["a.gguf: exists", "--force"]);
    assert!(workspace.read("a.gguf") == workspace.read("b.gguf"));
    workspace.run(&format!("{again} --force")).exits(0);
    assert!(workspace.read("a.gguf") != workspace.read("b.gguf"));
    assert_eq!(workspace.names("."), ["a.gguf", "b.gguf", "ci", "models"]);
}

#[test]
fn make_model_refuses_what_it_does_not_know() {
    let workspace = Workspace::new();
    let unknown = workspace.run("make-model --preset huge --output m.gguf");
    unknown.refuses_words(&["--preset", "'huge'", "tiny, 2b4t"]);
    let absent = workspace.run("make-model --preset tiny --output absent/m.gguf");
    absent.fails(5, &["absent/m.gguf"]);
    let folder = workspace.run("make-model --preset tiny --output ci");
    folder.fails(5, &["ci: is a folder"]);
    assert_eq!(workspace.names("."), ["ci", "models"]);
}

#[test]
fn inspect_shows_what_a_person_asks_first() {
    let workspace = Workspace::new();
    let ran = workspace.run("inspect models/tiny.gguf").exits(0);
    for line in [
        "architecture   bitnet-b1.58",
        "file           1496992 bytes, GGUF version 3",
        &format!("sha256         {}", pinned_sha256()),
        "parameters     4.86 M",
        "  I2_S         1.18 MB, 42 tensors, 4.72 M",
        "supported      yes, every tensor",
        "tokenizer      gpt2 BPE, llama-bpe, 512 tokens, 240 merges",
        "layers         6",
        "output matrix  is the embedding",
        "feed-forward   768 wide, squared ReLU",
        "context        2048 positions",
    ] {
        let found = ran.stdout.lines().any(|found| found == line);
        assert!(found, "no {line:?} in:\n{}", ran.stdout);
    }
    // Every tensor but the embedding's other rows; 6 layers, 2 KV heads of 64, keys and values.
    let cost = "read per token 1.48 MB of weights, and 3072 bytes of f16 KV cache";
    assert!(ran.stdout.contains(cost), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("MB for 2048 positions"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr, "");
}

/// What can be read of a model that cannot be run is shown all the same.
#[test]
fn inspect_says_why_a_file_is_not_supported() {
    let workspace = Workspace::new();
    let tiny = std::fs::read(TINY).unwrap();
    let name = b"blk.0.attn_norm.weight";
    let at = tiny.windows(name.len()).position(|w| w == name).unwrap();
    // The type of the tensor follows its name, one dimension count and one dimension: Q5_0.
    let mut changed = tiny;
    changed[at + name.len() + 4 + 8] = 6;
    workspace.write("q5.gguf", changed);
    let ran = workspace.run("inspect q5.gguf").ends(4, &["found Q5_0"]);
    let reason = "type of tensor blk.0.attn_norm.weight: found Q5_0 (type 6), supported F32, F16";
    assert!(
        ran.stdout.contains(&format!("supported      no: {reason}")),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("  Q5_0 (type 6) size unknown, 1 tensors"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_layout_is_refused_where_there_is_nothing_to_lay_out() {
    let workspace = Workspace::new();
    let float = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/oracle/D2-f16-embf16.gguf"
    );
    workspace.write("float.gguf", std::fs::read(float).unwrap());
    let words = "benchmark --model float.gguf --i2s-layout row4 --parity off --tokens 2";
    workspace
        .run(words)
        .fails(4, &["layout of I2_S tensors", "row4", "none"]);
}

#[test]
fn model_verify_knows_its_models() {
    let workspace = Workspace::new();
    let known = workspace.run("model verify models/tiny.gguf").exits(0);
    assert!(
        known.stdout.starts_with("known: models/tiny.gguf"),
        "{}",
        known.stdout
    );
    assert!(
        known.stdout.contains("make-model --preset tiny --seed 4"),
        "{}",
        known.stdout
    );

    let mut altered = std::fs::read(TINY).unwrap();
    *altered.last_mut().unwrap() ^= 1;
    workspace.write("altered.gguf", &altered);
    let ran = workspace
        .run("model verify altered.gguf --format json")
        .exits(1);
    assert_eq!(ran.json()["verdict"], "altered");
    assert_eq!(ran.json()["sha256"], Digest::of(&altered).to_string());

    workspace.write("other.gguf", "something else");
    let ran = workspace
        .run("model verify other.gguf --format json")
        .exits(3);
    assert_eq!(ran.json()["verdict"], "unknown");
    workspace
        .run("model verify absent.gguf")
        .fails(5, &["absent.gguf"]);
}
