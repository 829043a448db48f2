//! Verdicts that workers made.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::{
    add, board, columns, notes, process::Workspace, row, with_a_wrong_token, with_receipts,
};

/// The verdicts of full replays of the genuine receipts, made once.
static REPLAYED: LazyLock<Vec<Value>> = LazyLock::new(|| lines(&with_receipts(), ""));

/// What `verify-receipt` says of every file in `all`, as a worker would send it.
fn lines(workspace: &Workspace, words: &str) -> Vec<Value> {
    let verdicts = workspace.names("all").into_iter().map(|name| {
        let words = format!("verify-receipt all/{name} {words} --format json");
        let mut verdict = workspace.run(&words).json();
        verdict["place"] = json!(name);
        verdict
    });
    verdicts.collect()
}

fn write(workspace: &Workspace, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    workspace.write("v.jsonl", text);
}

#[test]
fn workers_verdicts_make_the_same_board() {
    let workspace = with_receipts();
    add(&workspace, "wrong.json", &with_a_wrong_token(0));
    write(&workspace, &lines(&workspace, ""));
    let of_workers = board(&workspace, "--verdicts v.jsonl");
    let here = board(&workspace, "all");
    assert_eq!(of_workers["receipts"], here["receipts"]);
    let as_good = "Verdicts that others made: this board is as good as they are.";
    assert_eq!(of_workers["source"], as_good);
    let ran = workspace.run("leaderboard --verdicts v.jsonl").exits(0);
    assert!(ran.stdout.contains(as_good), "{}", ran.stdout);
}

/// Only the whole run proves the tokens, by one verifier or by several together.
#[test]
fn a_part_has_no_rank_and_all_parts_have_one() {
    let workspace = with_receipts();
    std::fs::remove_file(workspace.path("all/r2.json")).unwrap();
    std::fs::remove_file(workspace.path("all/r3.json")).unwrap();
    let parts = ["--layers 0..6", "--heads", "--sample 50%"].map(|part| lines(&workspace, part));
    for part in &parts {
        write(&workspace, part);
        let found = board(&workspace, "--verdicts v.jsonl");
        let columns = columns(&found, &["rank", "conclusion"]);
        assert_eq!(columns, [[json!(null), json!("accepted")]]);
        let ran = workspace.run("leaderboard --verdicts v.jsonl").exits(0);
        assert!(
            ran.stdout.contains("only a part was replayed"),
            "{}",
            ran.stdout
        );
    }
    for (part, name) in parts.iter().zip(["a.json", "b.json"]) {
        workspace.write(name, part[0].to_string());
    }
    let merged = workspace
        .run("verdict merge a.json b.json --format json")
        .exits(0)
        .json();
    write(&workspace, &[parts[0][0].clone(), merged]);
    let found = board(&workspace, "--verdicts v.jsonl");
    let columns = columns(&found, &["rank", "replayed", "merged_from"]);
    assert_eq!(columns, [[json!(1), json!("merged"), json!(2)]]);
    let ran = workspace.run("leaderboard --verdicts v.jsonl").exits(0);
    assert!(
        ran.stdout.contains("merged from 2 workers"),
        "{}",
        ran.stdout
    );
}

/// Two workers on one receipt: a rejection counts most, then the larger replay.
#[test]
fn workers_that_differ_are_noted() {
    let workspace = with_receipts();
    let all = REPLAYED.clone();
    let mut rejected = all[0].clone();
    rejected["conclusion"] = json!("rejected");
    let rules = rejected["rules"].as_array_mut().unwrap();
    let rule = rules
        .iter_mut()
        .find(|rule| rule["rule"] == "parity_tokens")
        .unwrap();
    rule["outcome"] = json!("fail");
    let open = &lines(&workspace, "--no-replay")[1];
    for order in [
        vec![
            all[0].clone(),
            rejected.clone(),
            all[1].clone(),
            open.clone(),
        ],
        vec![open.clone(), rejected, all[0].clone(), all[1].clone()],
    ] {
        write(&workspace, &order);
        let found = board(&workspace, "--verdicts v.jsonl");
        assert_eq!(row(&found, "r1.json")["conclusion"], "rejected");
        assert_eq!(row(&found, "r2.json")["rank"], 1);
        let notes = notes(&found);
        assert_eq!(notes.len(), 4, "{notes:?}");
        let differ = notes
            .iter()
            .filter(|note| note.contains("its verdicts differ"));
        assert_eq!(differ.count(), 2, "{notes:?}");
    }
}

#[test]
fn a_worker_that_failed_is_noted() {
    let workspace = with_receipts();
    workspace.write("all/other.json", "{}");
    write(&workspace, &lines(&workspace, "--no-replay"));
    let found = board(&workspace, "--verdicts v.jsonl");
    let notes = notes(&found);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("not verified: other.json: not a receipt"),
        "{notes:?}"
    );
    assert_eq!(found["receipts"].as_array().unwrap().len(), 3);
}

/// A line that is no verdict, or contradicts itself, spoils the file: nobody knows what else is wrong.
#[test]
fn bad_lines_are_named() {
    let workspace = with_receipts();
    let all = REPLAYED.clone();
    let run = |lines: &[Value], line: &str, what: &str| {
        write(&workspace, lines);
        let words = "leaderboard --verdicts v.jsonl --output board.md";
        workspace.run(words).fails(4, &["v.jsonl: ", line, what]);
        assert!(!workspace.path("board.md").exists());
    };
    run(&[], "", "found no verdicts");
    run(
        &[json!({ "error": { "what": "x" } })],
        "",
        "found no verdicts",
    );
    run(
        &[all[0].clone(), json!([1])],
        "line 2: ",
        "this is no verdict",
    );
    let mut upgraded = lines(&workspace, "--no-replay").remove(0);
    upgraded["conclusion"] = json!("accepted");
    run(
        &[all[0].clone(), upgraded],
        "line 2: ",
        "does not follow from the rules",
    );
    let mut replayed = lines(&workspace, "--layers 0..1").remove(0);
    replayed["replayed"] = json!("everything");
    run(&[replayed], "line 1: ", "without the rule parity_replay");
    workspace.write("v.jsonl", serde_json::to_string_pretty(&all[0]).unwrap());
    let words = "leaderboard --verdicts v.jsonl";
    workspace
        .run(words)
        .fails(4, &["line 1: this is no verdict", "on one line"]);
    workspace
        .run("leaderboard --verdicts absent")
        .fails(5, &["absent"]);
}
