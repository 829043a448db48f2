//! Files that are no model: one line, the right exit code, and nothing lost.

use crate::process::Workspace;

/// The commands that read a model, without its path.
const COMMANDS: [&str; 3] = [
    "inspect",
    "benchmark --tokens 2 --prompt-tokens 3 --parity off --model",
    "logits --prompt-ids 1 --output ci/out.npy --model",
];

/// Every command refuses `model` with `code` and a line that names it and has all of `parts`.
fn assert_refused(workspace: &Workspace, model: &str, code: i32, parts: &[&str]) {
    workspace.write("ci/inference.json", "an old receipt");
    for command in COMMANDS {
        let ran = workspace.run(&format!("{command} {model}"));
        ran.fails(code, &[&[model], parts].concat());
    }
    assert_eq!(workspace.read("ci/inference.json"), b"an old receipt");
    assert_eq!(workspace.names("ci"), ["inference.json"]);
}

#[test]
fn missing_models() {
    let workspace = Workspace::new();
    assert_refused(&workspace, "absent.gguf", 5, &["No such file"]);
    assert_refused(&workspace, "absent/m.gguf", 5, &["No such file"]);
}

#[test]
fn a_folder_as_a_model() {
    assert_refused(
        &Workspace::new(),
        "models",
        5,
        &["models: it is a folder; did you mean models/tiny.gguf?"],
    );
}

#[test]
fn truncated_models() {
    let workspace = Workspace::new();
    let model = workspace.read("models/tiny.gguf");
    for len in [0, 3, 4, 23, 24, 100, 5000, model.len() / 2, model.len() - 1] {
        workspace.write("short.gguf", &model[..len]);
        assert_refused(&workspace, "short.gguf", 4, &["found"]);
    }
}

#[test]
fn files_of_another_kind() {
    let workspace = Workspace::new();
    let mut checkpoint = b"PK\x03\x04".to_vec();
    checkpoint.resize(30, 0);
    checkpoint.extend(b"archive/data.pkl");
    let safetensors = [&2u64.to_le_bytes()[..], b"{}"].concat();
    let files: [(&[u8], &[&str]); 11] = [
        (b"# not a model\n", &["magic"]),
        (b"lmgg\x01\0\0\0", &["GGML", "convert the original model"]),
        (b"tjgg\x03\0\0\0", &["GGJT", "convert the original model"]),
        (b"algg\x01\0\0\0", &["GGLA", "name a model, not an adapter"]),
        (&[0; 4096], &["zeros", "download it again"]),
        (&checkpoint, &["PyTorch", "convert_hf_to_gguf.py"]),
        (b"\x80\x02}q\0", &["pickle", "convert_hf_to_gguf.py"]),
        (&safetensors, &["safetensors", "convert_hf_to_gguf.py"]),
        (
            b"\xef\xbb\xbf\n<!DOCTYPE HTML>\n",
            &["web page", "download the file itself"],
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            &["git lfs pull"],
        ),
        (b"{\"error\":\"Entry not found\"}", &["JSON"]),
    ];
    for (bytes, parts) in files {
        workspace.write("other.gguf", bytes);
        assert_refused(&workspace, "other.gguf", 4, parts);
    }
}

/// Counts that no file has must not be believed with memory.
#[test]
fn a_model_that_claims_to_be_huge() {
    let workspace = Workspace::new();
    let mut model = workspace.read("models/tiny.gguf");
    for count_at in [8, 16] {
        let genuine = model[count_at..count_at + 8].to_vec();
        model[count_at..count_at + 8].copy_from_slice(&(u64::MAX >> 1).to_le_bytes());
        workspace.write("huge.gguf", &model);
        assert_refused(&workspace, "huge.gguf", 4, &["found"]);
        model[count_at..count_at + 8].copy_from_slice(&genuine);
    }
}

/// One flipped bit somewhere in the header: still a model, or a refusal.
#[test]
fn flipped_bits_never_panic() {
    let workspace = Workspace::new();
    let mut model = workspace.read("models/tiny.gguf");
    let mut n_refused = 0;
    // A step without a common factor with anything visits keys, types, lengths and values.
    for at in (0..14_000).step_by(149) {
        let bit = 1 << (at % 8);
        model[at] ^= bit;
        workspace.write("flipped.gguf", &model);
        model[at] ^= bit;
        let ran = workspace.run("inspect flipped.gguf");
        if ran.code != Some(0) {
            ran.ends(4, &["flipped.gguf"]);
            n_refused += 1;
        }
    }
    assert!(n_refused > 10, "only {n_refused} refused");
}

/// A flipped weight is a model with another digest, and its receipt says so.
#[test]
fn a_flipped_weight_is_another_model() {
    let workspace = Workspace::new();
    let mut model = workspace.read("models/tiny.gguf");
    let last = model.len() - 5000;
    model[last] ^= 1;
    workspace.write("other.gguf", &model);
    let sha256 = |flags: &str| {
        workspace.benchmark(&format!("--quiet {flags}")).exits(0);
        workspace.receipt_json()["model"]["sha256"].clone()
    };
    assert_ne!(sha256("--model other.gguf"), sha256(""));
}
