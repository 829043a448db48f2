//! Where a board goes, and strangers' words in it.

use std::{collections::BTreeSet, fs, process::Stdio};

use serde_json::json;
use xtask::guest::workspace_root;

use crate::{add, board, edited, process::Ran, with_receipts};

#[test]
fn the_end_of_the_name_is_the_form() {
    let workspace = with_receipts();
    for (name, start) in [("b.md", "# Leaderboard\n"), ("b.html", "<!DOCTYPE html>\n")] {
        let ran = workspace
            .run(&format!("leaderboard all --no-replay --output {name}"))
            .exits(0);
        let counts =
            "0 ranked, 3 not proved, 0 rejected; 3 receipts, verified here with 0 replays.";
        assert_eq!(ran.stdout, format!("{name}: {counts}\n"));
        let text = String::from_utf8(workspace.read(name)).unwrap();
        assert!(text.starts_with(start), "{text}");
    }
    let on_stdout = workspace
        .run("leaderboard all --no-replay --output -")
        .exits(0)
        .stdout;
    assert_eq!(on_stdout.as_bytes(), workspace.read("b.md"));
    assert_eq!(
        workspace
            .run("leaderboard all --no-replay --quiet")
            .exits(0)
            .stdout,
        ""
    );
    // Refused before the work, with what is allowed.
    for name in ["b.txt", "b", "b.MD"] {
        let words = format!("leaderboard absent --output {name}");
        workspace
            .run(&words)
            .fails(2, &[name, ".md, .html and .parquet"]);
    }
    workspace
        .run("leaderboard absent --output no/b.md")
        .fails(5, &["no/b.md: there is no folder"]);
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_a_build_of_its_own() {
    let workspace = with_receipts();
    let how = "`cargo install --path xtask --bin bitreceipt --features parquet --locked`";
    workspace
        .run("leaderboard all --output b.parquet")
        .fails(2, &["b.parquet: ", "without Parquet", how]);
    assert!(!workspace.path("b.parquet").exists());
}

/// What a failed command leaves is the old board, whole.
#[test]
fn an_old_board_stays_until_the_new_one_is_there() {
    let workspace = with_receipts();
    workspace.write("b.md", "old");
    fs::remove_dir_all(workspace.path("all")).unwrap();
    fs::create_dir(workspace.path("all")).unwrap();
    workspace.run("leaderboard all --output b.md").exits(4);
    assert_eq!(workspace.read("b.md"), b"old");
    assert_eq!(workspace.names("."), ["all", "b.md", "ci", "models"]);
}

#[test]
fn a_strangers_words_are_text() {
    let workspace = with_receipts();
    let cpu = "<script>alert(1)</script>|[x](y)`z`";
    add(
        &workspace,
        "r4.json",
        &edited(0, |r| r["host"]["cpu_model"] = json!(cpu)),
    );
    workspace.run("leaderboard all --output b.html").exits(0);
    let html = String::from_utf8(workspace.read("b.html")).unwrap();
    assert!(
        !html.contains("<script") && html.contains("&lt;script&gt;"),
        "{html}"
    );
    let text = workspace.run("leaderboard all").exits(0).stdout;
    assert!(
        text.contains("on &lt;script\\>alert(1)&lt;/script\\>\\|\\[x\\](y)\\`z\\`\n"),
        "{text}"
    );
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let workspace = with_receipts();
    let mut command = workspace.command("leaderboard all --no-replay");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    Ran::of(child.wait_with_output().unwrap(), "leaderboard all").exits(0);
}

/// The document has every column, in the order of a Parquet file, and no other one.
#[test]
fn the_columns_are_documented() {
    let text = fs::read_to_string(workspace_root().join("ci/LEADERBOARD.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let found = board(&with_receipts(), "all --no-replay");
    let row = found["receipts"][0].as_object().unwrap();
    let there_are: BTreeSet<&str> = row.keys().map(String::as_str).collect();
    assert_eq!(
        documented.iter().copied().collect::<BTreeSet<_>>(),
        there_are
    );
    assert_eq!(documented.len(), there_are.len());
}
