//! Where `verify-receipt` finds a receipt's model: by its digest, whatever its name.

use std::{fs, sync::LazyLock};

use host::digest::Digest;
use serde_json::json;

use crate::{
    process::{TINY, Workspace},
    verify_receipt::{PROVED, line, with_forgery, with_receipt},
};

/// The folders that are looked into, and names that no receipt has.
#[test]
fn any_name_in_models_or_beside_the_receipt_will_do() {
    for place in ["models/tiny.gguf", "models/a b.bin", "ci/tiny.gguf", "ci/x"] {
        let workspace = with_unknown_model();
        fs::rename(workspace.path("models/tiny.gguf"), workspace.path(place)).unwrap();
        let ran = workspace.run("verify-receipt").exits(0);
        assert_eq!(line(&ran, "tokens: "), PROVED, "{place}");
    }
    // A receipt without a folder in its name lies in this one.
    let workspace = with_unknown_model();
    fs::rename(workspace.path("models/tiny.gguf"), workspace.path("m")).unwrap();
    fs::rename(workspace.receipt(), workspace.path("r.json")).unwrap();
    let ran = workspace.run("verify-receipt r.json").exits(0);
    assert_eq!(line(&ran, "tokens: "), PROVED);
}

/// A model that no program has inside itself, at `models/tiny.gguf`, and the receipt of a run of it.
fn with_unknown_model() -> Workspace {
    static FILES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
        let workspace = Workspace::new();
        let words = "make-model --preset tiny --seed 5 --force --output models/tiny.gguf";
        workspace.run(words).exits(0);
        workspace.benchmark("--quiet --parity full").exits(0);
        ["models/tiny.gguf", "ci/inference.json"].map(|name| workspace.read(name))
    });
    let workspace = Workspace::new();
    workspace.write("models/tiny.gguf", &FILES[0]);
    workspace.write("ci/inference.json", &FILES[1]);
    workspace
}

#[test]
fn without_the_model_nothing_is_accepted() {
    let workspace = with_unknown_model();
    workspace.run("verify-receipt").exits(0);
    fs::rename(workspace.path("models/tiny.gguf"), workspace.path("m.gguf")).unwrap();
    let sha256 = Digest::of(&workspace.read("m.gguf"));
    let missing = format!(
        "  open parity_replay: model tiny.gguf (sha256 {sha256}) is not here, and is none of the known models; "
    );
    for flags in ["", "--check-parity", "--retime", "--sample 5%"] {
        let ran = workspace.run(&format!("verify-receipt {flags}")).exits(3);
        assert!(line(&ran, "unverifiable: ").ends_with("; tokens not replayed)"));
        let open = line(&ran, "  open ");
        assert!(open.starts_with(&missing), "{flags}: {open}");
        assert!(open.contains("--model"), "{flags}: {open}");
        assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
    }
    let ran = workspace.run("verify-receipt --retime").exits(3);
    let note = "  note retime_tokens: not run: the model of the receipt is not here";
    assert_eq!(line(&ran, "  note "), note);
    assert!(!ran.stdout.contains("retimed: "), "{}", ran.stdout);
    // Nobody looks for what is not asked for.
    let open = "  open parity_replay: left out because of --no-replay; verify again without it";
    for flags in ["", "--retime"] {
        let words = format!("verify-receipt --no-replay {flags}");
        let ran = workspace.run(&words).exits(3);
        assert_eq!(line(&ran, "  open "), open);
    }

    workspace.run("verify-receipt --model m.gguf").exits(0);
    let absent = workspace.run("verify-receipt --model absent.gguf");
    absent.fails(5, &["absent.gguf", "No such file"]);
}

/// The one model that the program has inside itself is never missing.
#[test]
fn the_model_inside_is_found() {
    let workspace = with_receipt();
    fs::remove_dir_all(workspace.path("models")).unwrap();
    let ran = workspace.run("verify-receipt").exits(0);
    assert_eq!(line(&ran, "tokens: "), PROVED);
}

#[test]
fn another_model_is_unverifiable() {
    let workspace = with_receipt();
    workspace
        .run("make-model --preset tiny --seed 5 --output m.gguf")
        .exits(0);
    for flags in ["", "--check-parity", "--retime", "--no-replay"] {
        let words = format!("verify-receipt --model m.gguf {flags}");
        let ran = workspace.run(&words).exits(3);
        let open = line(&ran, "  open model_sha256");
        assert!(open.contains("m.gguf"), "{open}");
        let open = line(&ran, "  open parity_replay: ");
        let why = match flags {
            "--no-replay" => "left out because of --no-replay",
            _ => "m.gguf is not the receipt's model; name that model with --model",
        };
        assert!(open.contains(why), "{open}");
        assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
    }
    workspace.write("m.gguf", "no model");
    workspace
        .run("verify-receipt --model m.gguf")
        .fails(4, &["m.gguf"]);
}

/// Another file of its name, of its size, or both does not hide the one with the digest.
#[test]
fn the_model_is_the_one_with_the_digest() {
    let workspace = with_unknown_model();
    let model = workspace.read("models/tiny.gguf");
    workspace.write("ci/z.gguf", &model);
    // The model inside the program: of the same name and size.
    fs::copy(TINY, workspace.path("models/tiny.gguf")).unwrap();
    assert_eq!(workspace.read("models/tiny.gguf").len(), model.len());
    let rubbish = vec![b'x'; model.len()];
    for name in ["models/a", "models/z.gguf", "ci/tiny.gguf"] {
        workspace.write(name, &rubbish);
    }
    let ran = workspace.run("verify-receipt").exits(0);
    assert_eq!(line(&ran, "tokens: "), PROVED);
    for name in ["models/tiny.gguf", "models/a"] {
        workspace.write(name, "rubbish");
        workspace.run("verify-receipt").exits(0);
    }
    fs::remove_file(workspace.path("ci/z.gguf")).unwrap();
    let ran = workspace.run("verify-receipt").exits(3);
    let open = line(&ran, "  open ");
    assert!(open.contains("is not here"), "{open}");
}

/// Only a file of the right size can have the right digest. Reading these would take hours.
#[cfg(target_os = "linux")]
#[test]
fn files_of_another_size_are_not_read() {
    let workspace = with_unknown_model();
    for name in ["models/a.gguf", "ci/a.gguf"] {
        let file = fs::File::create(workspace.path(name)).unwrap();
        file.set_len(1 << 43).unwrap();
    }
    let made = std::process::Command::new("mkfifo")
        .arg(workspace.path("models/b"))
        .status();
    assert!(made.unwrap().success());
    fs::create_dir(workspace.path("models/c")).unwrap();
    workspace.run("verify-receipt").exits(0);
    fs::remove_file(workspace.path("models/tiny.gguf")).unwrap();
    workspace.run("verify-receipt").exits(3);
}

/// It is there, and cannot be used. Whoever sent the receipt may have put it there, so it hides neither
/// what is open nor what is broken.
#[test]
fn a_model_that_is_found_and_is_none_does_not_hide_the_verdict() {
    let rubbish = b"no model at all";
    let of_rubbish = |backend: &str| {
        let workspace = with_forgery(|r| {
            r["model"]["sha256"] = json!(Digest::of(rubbish).to_string());
            r["model"]["file_bytes"] = json!(rubbish.len());
            r["backend"] = json!(backend);
        });
        workspace.write("models/m.gguf", rubbish);
        workspace
    };
    let workspace = of_rubbish("cpu");
    let ran = workspace.run("verify-receipt").exits(3);
    let open = line(&ran, "  open parity_replay: ");
    assert!(
        open.contains("models/m.gguf: ") && open.contains("GGUF"),
        "{open}"
    );
    assert!(!open.contains("to get it"), "{open}");
    let ran = of_rubbish("metal").run("verify-receipt").exits(1);
    line(&ran, "  FAIL backend");
    // Whoever names it is told of the mistake.
    workspace
        .run("verify-receipt --model models/m.gguf")
        .fails(4, &["models/m.gguf", "GGUF"]);
}

/// Links are followed, and those to nowhere are no file.
#[cfg(unix)]
#[test]
fn a_model_may_be_a_link() {
    let workspace = with_unknown_model();
    fs::rename(workspace.path("models/tiny.gguf"), workspace.path("m.gguf")).unwrap();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(workspace.path(target), workspace.path(name)).unwrap();
    };
    link("nowhere", "models/a.gguf");
    link("models/b.gguf", "models/b.gguf");
    workspace.run("verify-receipt").exits(3);
    link("m.gguf", "models/c.gguf");
    workspace.run("verify-receipt").exits(0);
}
