//! A folder of receipts, verified here.

use serde_json::json;

use crate::{
    RECEIPTS, add, board, columns, edited, notes, process::Workspace, row, with_a_wrong_token,
    with_receipts,
};

#[test]
fn receipts_are_ranked_by_their_decode_rate() {
    let workspace = with_receipts();
    let found = board(&workspace, "all");
    assert_eq!(found["source"], "3 receipts, verified here with 2 replays.");
    let rates = columns(&found, &["rank", "decode_tokens_per_sec"]);
    let ranks: Vec<_> = rates.iter().map(|row| row[0].as_u64().unwrap()).collect();
    assert_eq!(ranks, [1, 2, 3]);
    let rates: Vec<_> = rates.iter().map(|row| row[1].as_f64().unwrap()).collect();
    assert!(rates.is_sorted_by(|a, b| a > b), "{rates:?}");
    for row in columns(&found, &["conclusion", "replayed", "rules"]) {
        assert_eq!(row, [json!("accepted"), json!("everything"), json!(null)]);
    }
    let text = workspace.run("leaderboard all").exits(0).stdout;
    for part in [
        "# Leaderboard\n\n3 receipts, verified here with 2 replays.",
        "The rates are their writers' claims",
        "\n## tiny.gguf on ",
    ] {
        assert!(text.contains(part), "{part:?}: {text}");
    }
    assert!(
        !text.contains("Rejected") && !text.contains("Notes"),
        "{text}"
    );
}

/// Equal claims share a rank, another CPU has ranks of its own.
#[test]
fn ranks_are_those_of_a_model_and_a_cpu() {
    let workspace = with_receipts();
    add(
        &workspace,
        "r4.json",
        &edited(0, |r| r["created"] = json!("2026-01-01T00:00:00Z")),
    );
    add(
        &workspace,
        "r5.json",
        &edited(0, |r| r["host"]["cpu_model"] = json!("Another CPU")),
    );
    let found = board(&workspace, "all");
    let rank = |place| row(&found, place)["rank"].as_u64().unwrap();
    assert_eq!(rank("r1.json"), rank("r4.json"));
    assert_eq!(rank("r5.json"), 1);
    let ranks = columns(&found, &["rank"]);
    assert!(
        !ranks.contains(&vec![json!(rank("r1.json") + 1)]),
        "{ranks:?}"
    );
    assert_eq!(found["source"], "5 receipts, verified here with 2 replays.");
}

/// The fastest claim of all, with a wrong token: it is no rank's, and decides nothing about the receipts of
/// the same task, in whichever order they are verified.
#[test]
fn a_forgery_stands_apart_and_poisons_nothing() {
    for name in ["a.json", "z.json"] {
        let workspace = with_receipts();
        add(&workspace, name, &with_a_wrong_token(0));
        let found = board(&workspace, "all");
        let forged = row(&found, name);
        assert_eq!(forged["conclusion"], "rejected");
        assert_eq!(forged["rank"], json!(null));
        assert_eq!(forged["rules"], "parity_tokens,parity_checksum");
        for i in 1..4 {
            let place = format!("r{i}.json");
            assert_eq!(row(&found, &place)["conclusion"], "accepted", "{place}");
            assert!(row(&found, &place)["rank"].is_u64(), "{place}");
        }
        let text = workspace.run("leaderboard all").exits(0).stdout;
        let (_, rejected) = text.split_once("\n## Rejected\n").unwrap();
        assert!(rejected.contains(&format!("| {name} ")), "{rejected}");
        assert!(
            rejected.contains("parity\\_tokens: position "),
            "{rejected}"
        );
    }
}

/// A verdict here is the one of `verify-receipt`, whatever was verified before.
#[test]
fn a_shared_replay_changes_no_verdict() {
    let workspace = with_receipts();
    add(&workspace, "wrong.json", &with_a_wrong_token(0));
    add(
        &workspace,
        "sum.json",
        &edited(1, |r| r["timing_ms"] = json!(1.0)),
    );
    let checksum = json!("00".repeat(32));
    add(
        &workspace,
        "sum2.json",
        &edited(2, |r| r["parity"]["checksum"] = checksum),
    );
    let found = board(&workspace, "all");
    for row in found["receipts"].as_array().unwrap() {
        let place = row["place"].as_str().unwrap();
        let alone = workspace
            .run(&format!("verify-receipt all/{place} --format json"))
            .json();
        assert_eq!(row["conclusion"], alone["conclusion"], "{place}");
        assert_eq!(row["replayed"], alone["replayed"], "{place}");
        let rules = alone["rules"].as_array().unwrap().iter();
        let broken = rules.filter(|rule| rule["outcome"] == "fail");
        let broken: Vec<_> = broken.map(|rule| rule["rule"].as_str().unwrap()).collect();
        assert_eq!(
            row["rules"].as_str().unwrap_or_default(),
            broken.join(","),
            "{place}"
        );
    }
}

#[test]
fn what_was_not_replayed_has_no_rank() {
    let workspace = with_receipts();
    let found = board(&workspace, "all --no-replay");
    assert_eq!(found["source"], "3 receipts, verified here with 0 replays.");
    for row in columns(&found, &["rank", "conclusion", "rules"]) {
        assert_eq!(
            row,
            [json!(null), json!("unverifiable"), json!("parity_replay")]
        );
    }
    // Prompts of 4 and 5, and two more positions.
    let found = board(&workspace, "all --max-positions 6");
    let expected = [[json!(1)], [json!(2)], [json!(null)]];
    assert_eq!(columns(&found, &["rank"]), expected);
    let text = workspace
        .run("leaderboard all --max-positions 6")
        .exits(0)
        .stdout;
    let (ranked, apart) = text
        .split_once("\n## Not proved, without a rank\n")
        .unwrap();
    assert!(
        apart.contains("| r3.json ") && !ranked.contains("r3.json"),
        "{text}"
    );
    assert!(
        apart.contains("found 7 positions, allowed at most 6"),
        "{apart}"
    );
    // A model that is not here.
    let zeros = json!("0".repeat(64));
    add(
        &workspace,
        "r3.json",
        &edited(2, |r| r["model"]["sha256"] = zeros),
    );
    let found = board(&workspace, "all");
    assert_eq!(row(&found, "r3.json")["conclusion"], "unverifiable");
    assert_eq!(row(&found, "r3.json")["rank"], json!(null));
}

#[test]
fn a_receipt_counts_once() {
    let workspace = with_receipts();
    add(&workspace, "copy.json", &RECEIPTS[0].1);
    let found = board(&workspace, "all --no-replay");
    assert_eq!(found["receipts"].as_array().unwrap().len(), 3);
    assert_eq!(
        notes(&found),
        ["r1.json: the same receipt as copy.json, counted once"]
    );
    // Whoever only writes the digest of another receipt into a file does not take its place.
    let mut usurper = RECEIPTS[1].1.clone();
    usurper["tokens_per_sec"] = json!(1e6);
    add(&workspace, "a.json", &usurper);
    let found = board(&workspace, "all");
    assert_eq!(found["receipts"].as_array().unwrap().len(), 4);
    assert_eq!(row(&found, "r2.json")["conclusion"], "accepted");
    assert!(row(&found, "r2.json")["rank"].is_u64());
    assert_eq!(row(&found, "a.json")["conclusion"], "rejected");
}

#[test]
fn other_json_is_skipped_with_a_note() {
    let workspace = with_receipts();
    workspace.write("all/list.json", "[1, 2]");
    workspace.write("all/half.json", "{");
    workspace.write("all/notes.txt", "{}");
    std::fs::create_dir(workspace.path("all/folder.json")).unwrap();
    let ran = workspace
        .run("verify-receipt all/r1.json --format json")
        .exits(0);
    workspace.write("all/verdict.json", ran.stdout);
    let found = board(&workspace, "all --no-replay");
    assert_eq!(found["receipts"].as_array().unwrap().len(), 3);
    let notes = notes(&found);
    let starts = ["half", "list", "verdict"].map(|name| format!("skipped: all/{name}.json: "));
    assert_eq!(notes.len(), 3, "{notes:?}");
    for (note, start) in notes.iter().zip(&starts) {
        assert!(note.starts_with(start), "{note}");
    }
    assert!(notes[2].contains("a verdict on a receipt"), "{notes:?}");
}

#[test]
fn without_receipts_there_is_no_board() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("all")).unwrap();
    let words = "leaderboard all --output board.md";
    workspace
        .run(words)
        .fails(4, &["all: found no receipts", "no file ends with .json"]);
    workspace.write("all/a.json", "{}");
    workspace
        .run(words)
        .fails(4, &["all: found no receipts among 1 JSON file;"]);
    assert!(!workspace.path("board.md").exists());
    workspace.run("leaderboard absent").fails(5, &["absent: "]);
    workspace
        .run("leaderboard all/a.json")
        .fails(5, &["a.json: ", "name a folder"]);
    workspace.run("leaderboard").exits(2);
    workspace.run("leaderboard all --verdicts x").exits(2);
    workspace
        .run("leaderboard --verdicts x --no-replay")
        .exits(2);
}

/// A policy that cannot be read says nothing about any receipt.
#[test]
fn a_policy_is_one_for_all() {
    let workspace = with_receipts();
    workspace
        .run("leaderboard all --policy absent.toml")
        .fails(5, &["absent.toml"]);
    workspace.write("p.toml", "require.writer_proof = true");
    let found = board(&workspace, "all --policy p.toml");
    for row in columns(&found, &["rank", "rules"]) {
        assert_eq!(row, [json!(null), json!("policy_writer_proof")]);
    }
}
