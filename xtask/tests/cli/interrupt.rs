//! Ctrl-C: exit code 130, and the files are as they were before.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use host::receipt::receipt_sha256;
use serde_json::json;

use crate::process::{Ran, Workspace};

/// Starts the program with `words` and waits until it handles Ctrl-C.
fn start(workspace: &Workspace, words: &str) -> Child {
    let mut command = workspace.command(words);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| handles_interrupt(child.id()));
    child
}

/// Whether the process has replaced what SIGINT does by default.
fn handles_interrupt(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Bit n − 1 is signal n; SIGINT is 2.
    caught.is_some_and(|mask| mask & 0b10 != 0)
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited too long");
        sleep(Duration::from_millis(5));
    }
}

/// Presses Ctrl-C once and waits for the end.
#[track_caller]
fn interrupt(child: Child, words: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let ran = interrupted(child, words);
    assert_eq!(ran.stdout, "", "{words}");
}

/// The process has ended after Ctrl-C, and has said so at once.
#[track_caller]
fn interrupted(child: Child, words: &str) -> Ran {
    let ran = Ran::of(child.wait_with_output().unwrap(), words).exits(130);
    assert_eq!(ran.stderr, "stopping …\nerror: interrupted\n", "{words}");
    ran
}

fn largest_file(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    let sizes = entries.map(|e| e.unwrap().metadata().map_or(0, |m| m.len()));
    sizes.max().unwrap_or(0)
}

#[test]
fn make_model_leaves_nothing() {
    let workspace = Workspace::new();
    let words = "make-model --preset 2b4t --output ci/m.gguf";
    let child = start(&workspace, words);
    wait_until(|| largest_file(&workspace.path("ci")) > 1 << 20);
    interrupt(child, words);
    assert!(workspace.names("ci").is_empty());
}

#[test]
fn benchmark_keeps_the_old_receipt() {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", "an old receipt");
    let words = "benchmark --repetitions 2100 --parity off";
    let child = start(&workspace, words);
    sleep(Duration::from_millis(300));
    interrupt(child, words);
    assert_eq!(workspace.read("ci/inference.json"), b"an old receipt");
    assert_eq!(workspace.names("ci"), ["inference.json"]);
}

/// A replay that ran to its end would reject the receipt, whose fuel is invented.
#[test]
fn a_replay_ends_inside_the_sandbox() {
    let workspace = Workspace::new();
    let words = "benchmark --tokens 2000 --repetitions 1 --warmup 0 --parity off --quiet";
    workspace.run(words).exits(0);
    pretend_parity(&workspace);
    let words = "verify-receipt";
    let child = start(&workspace, words);
    // Usually longer than compiling the guest; were it not, the end would be the same.
    sleep(Duration::from_secs(3));
    interrupt(child, words);
}

#[test]
fn run_ends_after_what_it_has_printed() {
    let workspace = Workspace::new();
    let words = "run models/tiny.gguf --tokens 2000 --kernel scalar --prompt=on";
    let child = start(&workspace, words);
    let pid = child.id().to_string();
    sleep(Duration::from_millis(300));
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let ran = interrupted(child, words);
    assert!(ran.stdout.starts_with("on") && ran.stdout.ends_with('\n'));
}

/// Makes the receipt say that a replay agreed, so that only another replay can tell.
fn pretend_parity(workspace: &Workspace) {
    let mut receipt = workspace.receipt_json();
    let checksum = receipt["parity"]["checksum"].clone();
    receipt["parity"] = json!({
        "status": "passed", "checksum": checksum, "reference_checksum": checksum,
        "positions_compared": 2015, "first_divergence": null,
        "guest_sha256": host::guest::guest_sha256().to_string(),
        "wasmtime_version": host::guest::WASMTIME_VERSION, "fuel": 1, "wall_ns": 1,
    });
    receipt["receipt_sha256"] = json!(receipt_sha256(&receipt).unwrap().to_string());
    workspace.write("ci/inference.json", receipt.to_string());
}
