//! `show -o`: receipts of anybody as rows, without a judgement.

use serde_json::{Value, json};

use crate::{
    process::{BITRECEIPT, Workspace},
    receipts::{receipt, sweep},
};

/// Three receipts: two of one model, one of them without a replay, and one of another model.
fn with_receipts() -> Workspace {
    let workspace = Workspace::empty(BITRECEIPT);
    workspace
        .run("make-model tiny --seed 5 --output other.gguf")
        .exits(0);
    sweep(&workspace, "-p 4,5 -t 1 -q").exits(0);
    sweep(&workspace, "-p 4 -t 1 -q other.gguf").exits(0);
    sweep(&workspace, "-p 6 -t 1 -q --parity off").exits(0);
    workspace
}

const ALL: &str = "out/tiny-p6-n3-t1.json out/tiny-p4-n3-t1.json out/other-p4-n3-t1.json \
                   out/tiny-p5-n3-t1.json";

#[test]
fn rows_are_grouped_by_model_and_those_without_a_replay_stand_apart() {
    let workspace = with_receipts();
    let ran = workspace
        .run(&format!("show {ALL} -o jsonl --export-csv all.csv"))
        .exits(0);
    let rows: Vec<Value> = ran
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 8);
    let csv = String::from_utf8(workspace.read("all.csv")).unwrap();
    assert_eq!(csv.lines().count(), 9);
    let key = |row: &Value| {
        (
            row["replayed_by_writer"] == json!(false),
            row["model_sha256"].to_string(),
        )
    };
    assert!(rows.is_sorted_by_key(key));
    assert_eq!(rows[7]["replayed_by_writer"], json!(false));
    assert_eq!(rows[7]["receipt"], "out/tiny-p6-n3-t1.json");
    // Nobody knows from a receipt how the weights were arranged.
    assert!(rows.iter().all(|row| row["packing"] == Value::Null));

    let md = workspace.run(&format!("show {ALL} -o md")).exits(0).stdout;
    let headings: Vec<&str> = md.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(headings.len(), 3, "{md}");
    assert!(headings[2].contains("**not replayed by anybody**"), "{md}");
    assert_eq!(
        md.matches("replayed by their writers, by their own word:")
            .count(),
        2,
        "{md}"
    );
    // Of one model the fastest decode stands first.
    let rate = |name| {
        receipt(&workspace, name)["decode_tokens_per_sec"]
            .as_f64()
            .unwrap()
    };
    let of_tiny: Vec<&Value> = rows
        .iter()
        .filter(|r| r["n_gen"] == json!(3) && r["model_filename"] == "tiny.gguf")
        .collect();
    let is_first = of_tiny[0]["receipt"] == "out/tiny-p4-n3-t1.json";
    assert_eq!(
        is_first,
        rate("tiny-p4-n3-t1.json") >= rate("tiny-p5-n3-t1.json")
    );
}

/// A stranger's strings neither draw on the terminal nor make another column.
#[test]
fn strings_of_strangers_stay_in_their_cells() {
    let workspace = with_receipts();
    let mut r = receipt(&workspace, "tiny-p4-n3-t1.json");
    r["model"]["file_name"] = json!("a|b\u{1b}[2J\n'; DROP TABLE bitreceipt; --,\"");
    workspace.write("x.json", r.to_string());
    for format in ["md", "csv", "jsonl", "sql"] {
        let ran = workspace.run(&format!("show x.json -o {format}")).exits(0);
        assert!(!ran.stdout.contains('\u{1b}'), "{format}");
        let n_lines = ran.stdout.lines().count();
        match format {
            "md" => assert!(
                ran.stdout
                    .lines()
                    .skip(2)
                    .all(|l| l.matches('|').count() == 10),
                "{}",
                ran.stdout
            ),
            "sql" => assert!(ran.stdout.contains("''; DROP TABLE"), "{}", ran.stdout),
            "csv" => assert_eq!(n_lines, 3),
            _ => assert_eq!(n_lines, 2),
        }
    }
}

#[test]
fn one_that_cannot_be_shown_leaves_no_export() {
    let workspace = with_receipts();
    workspace.write("x.json", "[]");
    let words = "show out/tiny-p4-n3-t1.json x.json -o csv --export-csv all.csv";
    workspace.run(words).fails(4, &["x.json: not a receipt"]);
    assert!(!workspace.path("all.csv").exists());
    // Nor does an export replace a receipt that is read.
    let words = "show out/tiny-p4-n3-t1.json --export-csv out/tiny-p4-n3-t1.json";
    workspace.run(words).fails(5, &["tiny-p4-n3-t1.json"]);
}
