//! `verify-receipt` of another engine's receipt: what it says, and what it can do with one.

use host::receipt::seal;
use serde_json::{Value, json};
use xtask::selftest::forge::as_external;

use crate::process::Workspace;

/// A folder with the receipt of another engine, after an edit.
fn workspace(edit: impl FnOnce(&mut Value)) -> Workspace {
    let workspace = Workspace::new();
    workspace
        .run("benchmark --tokens 3 --prompt-tokens 4 --repetitions 2 --deterministic --quiet")
        .exits(0);
    let mut receipt = workspace.receipt_json();
    as_external(&mut receipt);
    edit(&mut receipt);
    seal(&mut receipt);
    workspace.write("ci/inference.json", receipt.to_string());
    workspace
}

#[test]
fn it_is_accepted_as_consistent_and_says_whose_it_is() {
    let workspace = workspace(|_| ());
    let ran = workspace
        .run("verify-receipt --export-badge badge.json")
        .exits(0);
    let tokens = "\ntokens: consistent with a replay: all 3 tokens are the reference's choice (6 positions)\n";
    assert!(ran.stdout.contains(tokens), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("\n  engine    other 1.0\n"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("bit for bit"), "{}", ran.stdout);
    let badge: Value = serde_json::from_slice(&workspace.read("badge.json")).unwrap();
    assert_eq!(badge["label"], "tokens: consistent");
    let message = badge["message"].as_str().unwrap();
    assert!(message.ends_with(" tok/s claimed for other"), "{message}");
    let verdict = workspace
        .run("verify-receipt --format json --tolerance 0")
        .exits(0);
    let expected = json!([
        "BITRECEIPT_RECEIPT_ACCEPTED",
        "BITRECEIPT_TOKENS_CONSISTENT"
    ]);
    assert_eq!(verdict.json()["properties"], expected);
    let judgement = &verdict.json()["judgement"];
    assert_eq!(judgement["conclusion"], "consistent");
    assert_eq!(judgement["tolerance"], json!(0.0));
    assert_eq!(
        (&judgement["exact"], &judgement["tied"]),
        (&json!(3), &json!(0))
    );
}

#[test]
fn parts_and_another_engines_speed_are_declined_in_a_line() {
    let workspace = workspace(|_| ());
    for words in ["--sample 5%", "--layers 0..2", "--heads"] {
        let ran = workspace.run(&format!("verify-receipt {words}")).exits(3);
        let line = "open parity_replay: a receipt of another engine is judged by a replay of all its tokens";
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    let ran = workspace.run("verify-receipt --retime").exits(0);
    let line = "note retime_tokens: not run: the run is another engine's";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    assert!(!ran.stdout.contains("retimed:"), "{}", ran.stdout);
}

#[test]
fn a_wrong_token_is_rejected_and_a_policy_names_engines() {
    let wrong = workspace(|r| r["tokens"][1] = json!(7));
    let ran = wrong.run("verify-receipt --tolerance 0.1").exits(1);
    assert!(
        ran.stdout
            .contains("FAIL parity_judgement: first wrong token 1"),
        "{}",
        ran.stdout
    );
    let right = workspace(|_| ());
    right.write("old.toml", "require.min_tokens = 1");
    let ran = right.run("verify-receipt --policy old.toml").exits(1);
    let line = "FAIL policy_engine: found \"other\", the policy accepts only this project's own: it names no engines";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    right.write(
        "new.toml",
        "accept.engines = ['oth*']\naccept.tolerance = 0.2",
    );
    let ran = right
        .run("verify-receipt --policy new.toml --format json")
        .exits(0);
    assert_eq!(ran.json()["judgement"]["tolerance"], json!(0.2));
}
