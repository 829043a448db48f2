//! Engines end with this program, however it ends.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{fake, support::tag};

/// The process that becomes an engine is killed by the system when its parent is.
#[test]
fn an_engine_does_not_outlive_a_parent_that_is_killed() {
    let tag = tag();
    let script = "\"$0\" engine-guard $$ sleep 1000 & echo; wait";
    let mut parent = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_bitreceipt")])
        .env(fake::TAG, &tag)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = parent.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    wait_until(|| fake::running(&tag, "sleep") == 1);
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_until(|| fake::left(&tag).is_empty());
}

/// With another parent than it was told, it has come too late, and does not begin.
#[test]
fn an_engine_does_not_begin_after_its_parent() {
    let guard = Command::new(env!("CARGO_BIN_EXE_bitreceipt"))
        .args(["engine-guard", "1", "echo", "begun"])
        .output()
        .unwrap();
    assert_eq!(guard.status.code(), Some(127));
    assert!(guard.stdout.is_empty());
}

/// The command stops in order or is killed: nothing of the engine is left, and no receipt.
#[test]
fn an_engine_ends_with_the_command_whatever_ends_that() {
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let tag = tag();
        let folder = tempfile::tempdir().unwrap();
        let receipt = folder.path().join("inference.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_bitreceipt"))
            .args([
                "benchmark",
                "--engine",
                "x=sleep 1000",
                "--quiet",
                "-t",
                "1",
                "--output",
            ])
            .arg(&receipt)
            .env(fake::TAG, &tag)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until(|| fake::running(&tag, "sleep") == 1);
        let id = command.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
        assert_eq!(command.wait().unwrap().code(), code, "{signal}");
        wait_until(|| fake::left(&tag).is_empty());
        assert!(!receipt.exists());
    }
}

/// Waits as long as it takes on a busy machine.
fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(10));
    }
}
