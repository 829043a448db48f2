//! `make-model` and `inspect`.

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
    workspace
        .run("make-model --preset tiny --seed 5 --output a.gguf")
        .exits(0);
    assert!(workspace.read("a.gguf") != workspace.read("b.gguf"));
    assert_eq!(workspace.names("."), ["a.gguf", "b.gguf", "ci", "models"]);
}

#[test]
fn make_model_refuses_what_it_does_not_know() {
    let workspace = Workspace::new();
    let unknown = workspace.run("make-model --preset huge --output m.gguf");
    unknown.fails(2, &["--preset", "\"huge\"", "tiny, 2b4t"]);
    let absent = workspace.run("make-model --preset tiny --output absent/m.gguf");
    absent.fails(5, &["absent/m.gguf"]);
    let folder = workspace.run("make-model --preset tiny --output ci");
    folder.fails(5, &["ci: is a folder"]);
    assert_eq!(workspace.names("."), ["ci", "models"]);
}

#[test]
fn inspect_shows_what_is_in_the_file() {
    let workspace = Workspace::new();
    let ran = workspace.run("inspect models/tiny.gguf").exits(0);
    for line in [
        "architecture  bitnet-b1.58",
        "layers        6",
        "embedding     512 × 256, tied output matrix",
        "feed-forward  768",
        "context       2048",
        "file          1496992 bytes",
        &format!("sha256        {}", pinned_sha256()),
    ] {
        let found = ran.stdout.lines().any(|found| found == line);
        assert!(found, "no {line:?} in:\n{}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
}
