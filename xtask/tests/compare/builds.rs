//! Two builds that run in turns, as processes. No test depends on how fast anything is.

#![cfg(unix)]

use std::{fs, os::unix::fs::PermissionsExt};

use crate::process::{BITRECEIPT, Workspace};

/// The smallest comparison: the time is over after one pair.
const SMALL: &str = "--time-budget 0s --order-seed 7 --progress none";
const ARGS: &str = "-- -n 3 -p 4 -t 1 -r 1";

fn compare(words: &str) -> String {
    format!("compare {words} {SMALL} {ARGS}")
}

/// A program that runs the real one and then edits what it wrote, by `sed`.
fn with_wrapper(edit: &str) -> Workspace {
    let workspace = Workspace::empty(BITRECEIPT);
    let script =
        format!("#!/bin/sh\n\"{BITRECEIPT}\" \"$@\" || exit\nfor file; do :; done\n{edit}\n");
    workspace.write("wrapper", script);
    let path = workspace.path("wrapper");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    workspace
}

#[test]
fn one_program_beside_itself() {
    let workspace = Workspace::empty(BITRECEIPT);
    let words = compare(&format!(
        "--bin {BITRECEIPT} --bin {BITRECEIPT} -o json --output-dir kept"
    ));
    let report = workspace.run(&words).exits(0).json();
    let found = &report["comparisons"][0];
    assert_eq!(found["tokens"], "equal");
    assert_eq!(found["verdict"], "no_difference");
    assert_eq!(found["sides"][0]["replayed"], true);
    assert_eq!(found["turns"]["pairs"], 1);
    assert_eq!(found["turns"]["order_seed"], 7);
    // The folders are sides of another comparison.
    assert_eq!(
        workspace.names("kept"),
        ["a", "a-replayed.json", "b", "b-replayed.json"]
    );
    assert_eq!(workspace.names("kept/a"), ["001.json"]);
    workspace.run("compare kept/a kept/b").exits(0);
    // Another comparison does not mix with them.
    workspace
        .run(&words.replace("-o json ", ""))
        .fails(2, &["kept/a", "this folder is not empty", "--output-dir"]);
    let fuel = |work: &serde_json::Value| work["what"] == "fuel of the replay, sandbox";
    let work = found["work"]
        .as_array()
        .unwrap()
        .iter()
        .find(|work| fuel(work))
        .unwrap();
    assert_eq!(work["is_equal"], true);
}

/// Equal builds have equal counts, and other kernels have other ones. Without valgrind, there is one line.
#[test]
fn instructions_are_counted_without_a_clock() {
    let workspace = Workspace::empty(BITRECEIPT);
    let counted =
        |words: &str| format!("compare {words} --callgrind -o json {SMALL} -- -n 8 -p 4 -t 1 -r 1");
    let words = counted("--vary kernel=scalar|avx2");
    if std::process::Command::new("valgrind").output().is_err() {
        workspace
            .run(&words.replace("-o json ", ""))
            .fails(5, &["valgrind", "leave --callgrind out"]);
        return;
    }
    let row = |words: &str| {
        let report = workspace.run(words).exits(0).json();
        let work = report["comparisons"][0]["work"].as_array().unwrap().clone();
        let mut rows = work.into_iter();
        let found = rows.find(|row| row["what"] == "instructions of a repetition, callgrind");
        found.unwrap()
    };
    let other = row(&words);
    assert_eq!(other["is_equal"], false);
    assert!(
        other["counts"][0].as_u64() > other["counts"][1].as_u64(),
        "{other}"
    );
    let same = row(&counted(&format!("--bin {BITRECEIPT} --bin {BITRECEIPT}")));
    assert_eq!(same["is_equal"], true, "{same}");
}

#[test]
fn two_settings_of_this_program() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = workspace
        .run(&compare("--vary kernel=scalar|auto"))
        .exits(0);
    for part in [
        "old      --kernel scalar: 1 receipt",
        "new      --kernel auto: 1 receipt",
    ] {
        assert!(ran.stdout.contains(part), "{part:?}: {}", ran.stdout);
    }
    // Both sides may have other tasks, if that is what was asked for.
    let words = format!("compare --vary kv-type=f16|f32 {SMALL} {ARGS}");
    let ran = workspace.run(&words).exits(0);
    assert!(
        ran.stdout.contains("tokens   not compared"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_build_that_fails_says_so_once() {
    let workspace = Workspace::empty(BITRECEIPT);
    workspace
        .run(&compare("--bin absent --bin absent"))
        .fails(5, &["absent: "]);
    workspace
        .run(&compare("--bin /bin/true --bin /bin/true"))
        .fails(5, &["a-replayed.json"]);
    workspace
        .run(&compare("--bin /bin/false --bin /bin/false"))
        .fails(1, &["/bin/false: it ended with"]);
    let words = format!("compare --bin {BITRECEIPT} --bin {BITRECEIPT} {SMALL} -- --kernel none");
    workspace.run(&words).fails(2, &["--kernel"]);
    let words = format!("compare --vary kernel=scalar|auto --model absent.gguf {SMALL}");
    workspace.run(&words).fails(5, &["absent.gguf"]);
}

/// What is replayed and what is timed must be the same run: a later run with other values fails, although it
/// is not replayed.
#[test]
fn a_wrong_token_in_a_later_run_fails() {
    // The digest of the receipt is made again by the real program only; so the run is another one.
    let other = "case \"$*\" in *\"--parity off\"*) \"$REAL\" benchmark --seed 9 -n 3 -p 4 -t 1 -r 1 \
                 --parity off --quiet --output \"$file\";; esac";
    let workspace = with_wrapper(&other.replace("$REAL", BITRECEIPT));
    workspace
        .run(&compare(&format!("--bin {BITRECEIPT} --bin ./wrapper")))
        .fails(
            1,
            &["./wrapper: run 1: other tokens or values than the run that was replayed"],
        );
}

#[test]
fn builds_that_run_another_task_are_refused() {
    let other = "\"$REAL\" benchmark --seed 9 -n 3 -p 4 -t 1 -r 1 --quiet --output \"$file\"";
    let workspace = with_wrapper(&other.replace("$REAL", BITRECEIPT));
    let words = compare(&format!("--bin {BITRECEIPT} --bin ./wrapper"));
    workspace.run(&words).fails(
        2,
        &[
            "./wrapper: other tasks: found ",
            "--across task compares them",
        ],
    );
}
