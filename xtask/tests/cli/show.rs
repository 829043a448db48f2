//! `show`: what receipts say, without a judgement.

use serde_json::{Value, json};

use crate::verify_receipt::{with_forgery, with_receipt};

#[test]
fn a_summary_says_that_it_is_none_of_a_check() {
    let workspace = with_receipt();
    let ran = workspace.run("show ci/inference.json").exits(0);
    let first = "ci/inference.json: not checked here";
    assert_eq!(ran.stdout.lines().next(), Some(first));
    let receipt = workspace.receipt_json();
    let text = |pointer: &str| receipt.pointer(pointer).unwrap().as_str().unwrap();
    for part in [
        "  tokens    3, after a prompt of 4 (seed 42)\n",
        &format!("  model     {}, ", text("/model/file_name")),
        &format!("sha256 {}…\n", &text("/model/sha256")[..32]),
        &format!("  machine   {}, ", text("/host/cpu_model")),
        &format!("  made      {} by build ", text("/created")),
        "  replay    by its own word, the writer replayed the run\n",
        &format!("  receipt   {}\n", text("/receipt_sha256")),
        "  tokens/s  ",
    ] {
        assert!(ran.stdout.contains(part), "{part:?}: {}", ran.stdout);
    }
    let widest = ran.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{}", ran.stdout);
    for judgement in ["accepted", "rejected", "proved", "rules"] {
        assert!(!ran.stdout.contains(judgement), "{}", ran.stdout);
    }
    // The size as the table of `benchmark` has it, and a build by its commit alone.
    assert!(ran.stdout.contains(", 1.50 MB, "), "{}", ran.stdout);
    let profile = format!("({})", text("/build/profile"));
    assert!(!ran.stdout.contains(&profile), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

/// It needs no model, and a lie is shown as it stands.
#[test]
fn nothing_is_checked() {
    let workspace = with_forgery(|r| {
        r["tokens_per_sec"] = json!(1e9);
        r["parity"]["status"] = json!("not_checked");
    });
    std::fs::remove_file(workspace.path("models/tiny.gguf")).unwrap();
    let ran = workspace.run("show ci/inference.json").exits(0);
    assert!(ran.stdout.contains(" 1000000000 both\n"), "{}", ran.stdout);
    let replay = "  replay    the writer did not replay the run\n";
    assert!(ran.stdout.contains(replay), "{}", ran.stdout);
}

#[test]
fn several_receipts_are_a_list() {
    let workspace = with_receipt();
    workspace.write("other.json", workspace.read("ci/inference.json"));
    let words = "show ci/inference.json other.json";
    let ran = workspace.run(words).exits(0);
    let shown = |place: &str| {
        ran.stdout
            .matches(&format!("{place}: not checked here"))
            .count()
    };
    assert_eq!((shown("\nother.json"), shown("ci/inference.json")), (1, 1));

    let list = workspace
        .run(&format!("{words} --format json"))
        .exits(0)
        .json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0], list[1]);
    let receipt = workspace.receipt_json();
    assert_eq!(list[0]["receipt_sha256"], receipt["receipt_sha256"]);
    let rate = &list[0]["claimed"]["tokens_per_sec"];
    assert_eq!(*rate, receipt["tokens_per_sec"]);
    // The same words as a verdict has.
    let verdict = workspace.run("verify-receipt --format json").exits(0);
    assert_eq!(verdict.json()["receipt"], list[0]);
    let one = workspace
        .run("show ci/inference.json --format json")
        .exits(0);
    assert_eq!(one.json().as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_no_receipt_is_not_shown() {
    let workspace = with_receipt();
    workspace.run("show").refuses_words(&["<RECEIPT>"]);
    workspace.run("show absent.json").fails(5, &["absent.json"]);
    workspace.write("x.json", "[]");
    workspace
        .run("show x.json")
        .fails(4, &["x.json: not a receipt: "]);
    let mut other: Value = workspace.receipt_json();
    other["receipt_schema"] = json!("9.0.0");
    workspace.write("x.json", other.to_string());
    workspace
        .run("show x.json")
        .fails(4, &["x.json: ", "cannot be read; verify-receipt says why"]);
    // One that cannot be shown is no reason to print half of a list.
    let words = "show ci/inference.json x.json --format json";
    let failed = workspace.run(words).exits(4).json();
    assert_eq!(failed["error"]["where"], "x.json");
}
