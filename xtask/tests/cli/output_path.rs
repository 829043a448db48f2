//! Where the receipt goes: found out before the run, written whole or not at all.

use crate::process::{Ran, Workspace};

/// The model is missing too: the message is about the folder, so nothing was run before.
#[test]
fn a_place_that_cannot_be_written_is_found_before_the_run() {
    let workspace = Workspace::new();
    workspace.write("file", "");
    let mut places = vec!["absent/r.json", "file/r.json", "ci", "ci/"];
    if cfg!(target_os = "linux") {
        places.push("/proc/r.json");
    }
    for place in places {
        let ran = workspace.benchmark(&format!("--model absent.gguf --output {place}"));
        let ran = ran.fails(5, &[place]);
        assert!(!ran.stderr.contains("absent.gguf"), "{}", ran.stderr);
    }
    assert!(workspace.names("ci").is_empty());
}

#[test]
fn an_old_receipt_is_replaced() {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", "an old receipt");
    workspace.benchmark("--quiet").exits(0);
    assert_eq!(workspace.receipt_json()["schema_version"], "1.0.0");
    assert_eq!(workspace.names("ci"), ["inference.json"]);
}

#[test]
fn other_folders_and_bare_names() {
    let workspace = Workspace::new();
    workspace.benchmark("--quiet --output r.json").exits(0);
    workspace
        .benchmark("--quiet --output ./ci/../r2.json")
        .exits(0);
    assert_eq!(workspace.names("."), ["ci", "models", "r.json", "r2.json"]);
}

#[cfg(unix)]
#[test]
fn a_receipt_is_read_through_a_link_that_does_not_go_in_circles() {
    let workspace = Workspace::new();
    workspace.benchmark("--quiet --parity full").exits(0);
    for (link, target) in [("link", "ci/inference.json"), ("circle", "circle")] {
        std::os::unix::fs::symlink(workspace.path(target), workspace.path(link)).unwrap();
    }
    workspace.run("verify-receipt link").exits(0);
    workspace.run("verify-receipt circle").fails(5, &["circle"]);
}

#[cfg(unix)]
#[test]
fn a_receipt_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::new();
    workspace.benchmark("--quiet").exits(0);
    let mode = workspace.receipt().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_exit_code_5() {
    let workspace = Workspace::new();
    let mut command = workspace.command("inspect models/tiny.gguf");
    command.stdout(
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap(),
    );
    let ran = Ran::of(command.output().unwrap(), "inspect > /dev/full");
    ran.fails(5, &["standard output"]);
}

/// A slip of the keyboard must not cost a model.
#[test]
fn the_model_is_not_replaced_by_its_result() {
    let workspace = Workspace::new();
    let before = workspace.read("models/tiny.gguf");
    for words in [
        "benchmark --model models/tiny.gguf --output models/tiny.gguf",
        "logits --model models/tiny.gguf --prompt-ids 1 --output models/../models/tiny.gguf",
    ] {
        let ran = workspace.run(words).exits(5);
        assert!(
            ran.stderr.contains("is the model that is read"),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(workspace.read("models/tiny.gguf"), before);
}
