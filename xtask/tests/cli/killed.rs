//! Killed at any moment: a receipt is whole, and belongs to the bundle beside it.

use std::{
    fs,
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    process::Workspace,
    signing::{VERIFY, sign, with_key},
};

const SIGNED: &str = "benchmark -n 3 -p 4 -r 1 --quiet --sign my.key";

/// Temporary files, by their names.
fn temporary(workspace: &Workspace) -> Vec<String> {
    let names = workspace.names("ci").into_iter();
    names.filter(|name| name.ends_with(".tmp")).collect()
}

#[test]
fn a_receipt_is_the_old_one_or_the_new_one() {
    let workspace = with_key();
    let start = Instant::now();
    sign(&workspace, "--quiet").exits(0);
    let whole_run = start.elapsed();
    for moment in 0..30 {
        let mut command = workspace.command(SIGNED);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Most of them near the end, where files are written.
        sleep(whole_run * (40 + 2 * moment) / 90);
        child.kill().unwrap();
        child.wait().unwrap();
        let names = workspace.names("ci");
        match names.contains(&"inference.json.dsse.json".to_owned()) {
            true => workspace.run(VERIFY).exits(0),
            false => workspace.run("verify-receipt").exits(0),
        };
    }
    sign(&workspace, "--quiet").exits(0);
    let names = ["inference.json", "inference.json.dsse.json"];
    assert_eq!(workspace.names("ci"), names);
}

/// A model is written for long enough to be hit.
#[test]
fn the_next_run_removes_what_a_killed_one_left() {
    let workspace = Workspace::new();
    let words = "make-model --preset 2b4t --output ci/m.gguf";
    let start = |before: &[String]| {
        let mut command = workspace.command(words);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let waited = Instant::now();
        let mut seen = Vec::new();
        while seen.is_empty() {
            assert!(
                waited.elapsed() < Duration::from_secs(60),
                "waited too long"
            );
            assert!(child.try_wait().unwrap().is_none());
            sleep(Duration::from_millis(5));
            let written = |name: &String| {
                !before.contains(name)
                    && fs::metadata(workspace.path("ci").join(name))
                        .is_ok_and(|m| m.len() > 1 << 20)
            };
            seen = temporary(&workspace).into_iter().filter(written).collect();
        }
        (child, seen)
    };
    let (mut killed, left) = start(&[]);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(temporary(&workspace), left);
    let (mut living, its_own) = start(&left);
    assert!(!its_own.contains(&left[0]) && temporary(&workspace) == its_own);
    // A third one leaves the file of the living one alone.
    workspace.benchmark("--quiet").exits(0);
    assert_eq!(temporary(&workspace), its_own);
    living.kill().unwrap();
    living.wait().unwrap();
    workspace.benchmark("--quiet").exits(0);
    assert_eq!(workspace.names("ci"), ["inference.json"]);
}
