//! `benchmark`: depth, bound threads, the number of repetitions, and what it says of a noisy run.

use serde_json::json;

use crate::process::Workspace;

#[test]
fn a_depth_is_fed_before_the_clock_starts() {
    let workspace = Workspace::new();
    let ran = workspace.run("benchmark -d 30 -p 4 -n 3 -r 2").exits(0);
    assert!(ran.stdout.contains("| pp4 @ d30 "), "{}", ran.stdout);
    assert!(ran.stdout.contains("| tg3 @ d34 "), "{}", ran.stdout);
    let deep = workspace.receipt_json();
    assert_eq!(deep["run"]["depth"], 30);
    assert_eq!(deep["run"]["prompt"]["count"], 34);
    assert_eq!(deep["samples"]["depth_ns"].as_array().unwrap().len(), 2);
    workspace.run("verify-receipt --check-parity").exits(0);
    // The same tokens as without: the depth is a matter of the clock.
    workspace.run("benchmark -q -p 34 -n 3 -r 2").exits(0);
    let flat = workspace.receipt_json();
    assert_eq!(flat["parity"]["checksum"], deep["parity"]["checksum"]);
    assert_eq!(flat["samples"]["depth_ns"], json!([]));
}

#[test]
fn a_depth_leaves_something_to_time() {
    let workspace = Workspace::new();
    let ran = workspace
        .run("benchmark --prompt-ids 1,2,3 -d 3 -n 2")
        .exits(2);
    let line = "error: --depth: found 3 of the prompt's 3 ids, allowed fewer than all\n";
    assert_eq!(ran.stderr, line);
    workspace.run("benchmark -q -d 0 -p 2 -n 2 -r 1").exits(0);
    assert_eq!(workspace.receipt_json()["run"]["depth"], 0);
    workspace
        .run("benchmark -q --prompt-ids 1,2,3 -d 2 -n 2 -r 1")
        .exits(0);
    workspace.run("verify-receipt").exits(0);
}

/// The count follows from the task, so that deterministic receipts stay equal.
#[test]
fn small_tasks_are_repeated_within_the_budget() {
    let workspace = Workspace::new();
    let repetitions = |words: &str| {
        workspace
            .run(&format!("benchmark -q --parity off {words}"))
            .exits(0);
        workspace.receipt_json()["run"]["repetitions"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(repetitions("-n 128"), repetitions("-n 128"));
    assert!(repetitions("-n 128") > 16);
    assert_eq!(repetitions("-n 2"), 64);
    assert_eq!(repetitions("-n 128 --time-budget 0"), 1);
    assert_eq!(repetitions("-n 2 --repetitions 2 --time-budget 0"), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn threads_are_bound_to_as_many_cpus() {
    let workspace = Workspace::new();
    workspace.run("benchmark -q --pin -t 1 -n 2 -r 1").exits(0);
    let evidence = &workspace.receipt_json()["evidence"];
    assert_eq!(evidence["pinned"], true);
    assert_eq!(evidence["cpus"].as_array().unwrap().len(), 1);
    workspace.run("verify-receipt").exits(0);
}

/// The headline comes first, and a run of milliseconds is called one.
#[test]
fn the_headline_and_its_warnings() {
    let workspace = Workspace::new();
    let ran = workspace.run("benchmark -n 4 -r 1").exits(0);
    let after_table = ran.stdout.split_once("\n\n").unwrap().1;
    assert!(after_table.starts_with("decode:   "), "{}", ran.stdout);
    assert!(after_table.contains("\nfirst:    "), "{}", ran.stdout);
    // A receipt whose run took less than a millisecond.
    let short = include_bytes!("../../fuzz/seeds/receipt/receipt.json");
    workspace.write("short.json", short);
    let shown = workspace.run("show short.json").exits(0);
    let warning = "  warning   all timed runs together took ";
    assert!(shown.stdout.contains(warning), "{}", shown.stdout);
}
