//! Other engines beside ours: whose tokens are right has a number, and nobody else has one.

mod files;
mod refused;

use serde_json::{Value, json};

use crate::{
    fake_engine::{WRONG, engine},
    process::{BITRECEIPT, Ran, Workspace},
};

/// A folder with a model whose logits lie far enough apart.
fn workspace() -> Workspace {
    let workspace = Workspace::empty(BITRECEIPT);
    workspace
        .run("make-model qwen3-tiny --output q.gguf")
        .exits(0);
    workspace
}

/// A small benchmark of these engines: each is a name and a behaviour, or ours.
fn benchmark(workspace: &Workspace, engines: &[(&str, &str)], words: &str) -> Ran {
    let repetitions = if words.contains("-r ") { "" } else { "-r 2" };
    let words = format!("benchmark q.gguf -p 4 -n 6 {repetitions} {words}");
    let mut command = workspace.command(&words);
    for (name, behaviour) in engines {
        match *behaviour {
            "" => command.args(["--engine", name]),
            behaviour => command.args(["--engine", &engine(name, behaviour)]),
        };
    }
    Ran::of(command.output().unwrap(), &words)
}

const OURS: (&str, &str) = ("ours", "");

/// The rows of JSON lines.
fn rows(lines: &str) -> Vec<Value> {
    let rows = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    rows.collect()
}

fn receipt(workspace: &Workspace, name: &str) -> Value {
    serde_json::from_slice(&workspace.read(name)).unwrap()
}

#[test]
fn a_right_engine_stands_beside_ours() {
    let workspace = workspace();
    let words = "-t 1 --output-dir out --export-jsonl rows.jsonl --export-csv rows.csv";
    let ran = benchmark(&workspace, &[OURS, ("other", "right")], words).exits(0);
    let names = ["q-p4-n6-t1-other.json", "q-p4-n6-t1.json"];
    assert_eq!(workspace.names("out"), names);
    for part in [
        "| other ",
        "bit for bit",
        "consistent, 0 of 6 tied",
        "first token, ms",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let [theirs, ours] = names.map(|name| receipt(&workspace, &format!("out/{name}")));
    assert_eq!(theirs["compute_path"], "external");
    assert_eq!(theirs["engine"]["name"], "other");
    assert_eq!(theirs["parity"]["status"], "consistent");
    assert_eq!(theirs["parity"]["judgement"]["exact"], 6);
    assert_eq!(theirs["samples"]["prefill_ns"].as_array().unwrap().len(), 2);
    // The same tokens after the same prompt: the reference's transcript over them is the one of ours.
    for pointer in [
        "/tokens",
        "/parity/checksum",
        "/run/prompt_ids",
        "/run/threads",
    ] {
        assert_eq!(theirs.pointer(pointer), ours.pointer(pointer), "{pointer}");
    }
    for name in names {
        workspace
            .run(&format!("verify-receipt out/{name} --model q.gguf"))
            .exits(0);
    }
    let found = rows(&String::from_utf8(workspace.read("rows.jsonl")).unwrap());
    assert_eq!(found.len(), 4);
    let said = |row: &Value| {
        (
            row["engine"].clone(),
            row["tokens_are"].clone(),
            row["n_tied"].clone(),
        )
    };
    assert_eq!(
        said(&found[0]),
        (json!("ours"), json!("bit for bit"), Value::Null)
    );
    assert_eq!(
        said(&found[3]),
        (json!("other"), json!("consistent"), json!(0))
    );
    // By its own clock: five steps in four milliseconds.
    assert_eq!(found[3]["engine_avg_ts"], json!(1250.0));
    assert_eq!(found[3]["kernels"], Value::Null);
    assert_eq!(
        found[2]["time_to_first_token_ns"],
        theirs["figures"]["time_to_first_token_ns"]
    );
}

/// The keys of a row that would say how fast an engine is.
const SPEEDS: [&str; 10] = [
    "avg_ns",
    "stddev_ns",
    "avg_ts",
    "stddev_ts",
    "time_to_first_token_ns",
    "step_p5_ns",
    "step_p50_ns",
    "step_p95_ns",
    "engine_avg_ts",
    "receipt",
];

#[test]
fn a_wrong_engine_has_no_number_and_takes_none_from_others() {
    let workspace = workspace();
    benchmark(
        &workspace,
        &[OURS, ("bad", "right")],
        "-t 1 --output-dir out -q",
    )
    .exits(0);
    let old = workspace.read("out/q-p4-n6-t1-bad.json");
    let words = "-t 1 --output-dir out -o jsonl --export-csv r.csv --export-md r.md --export-sql r.sql \
                 --export-json r.json";
    let ran = benchmark(
        &workspace,
        &[OURS, ("bad", "wrong"), ("good", "right")],
        words,
    )
    .exits(1);
    let expected = [
        "q-p4-n6-t1-bad.json.stale",
        "q-p4-n6-t1-good.json",
        "q-p4-n6-t1.json",
    ];
    assert_eq!(workspace.names("out"), expected);
    assert_eq!(workspace.read(format!("out/{}", expected[0])), old);
    let why = format!("first wrong token {WRONG}: found ");
    let cell = "error: cell q-p4-n6-t1-bad: bad: rejected";
    assert!(
        ran.stderr.contains(cell) && ran.stderr.contains(&why),
        "{}",
        ran.stderr
    );
    let found = rows(&ran.stdout);
    assert_eq!(found.len(), 5, "{}", ran.stdout);
    let bad = found.iter().find(|row| row["engine"] == "bad").unwrap();
    assert_eq!(bad["tokens_are"], "rejected");
    assert!(bad["why"].as_str().unwrap().contains(&why), "{bad}");
    for key in SPEEDS {
        assert_eq!(bad[key], Value::Null, "{key}");
        let others = found.iter().filter(|row| row["engine"] == "good");
        assert!(others.clone().count() == 2 && others.clone().all(|row| row.get(key).is_some()));
    }
    assert_eq!(bad["samples_ns"], json!([]));
    // A line in each export, with a cell in each column.
    let md = String::from_utf8(workspace.read("r.md")).unwrap();
    let line = md.lines().find(|line| line.contains("| bad ")).unwrap();
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    assert_eq!(cells[6..10], [""; 4], "{line}");
    assert!(cells[10].starts_with("rejected: "), "{line}");
    for name in ["r.csv", "r.sql", "r.json"] {
        let text = String::from_utf8(workspace.read(name)).unwrap();
        assert!(text.contains(&why), "{name}: {text}");
    }
}

#[test]
fn a_wrong_engine_alone_makes_the_old_receipt_stale() {
    let workspace = workspace();
    benchmark(&workspace, &[("bad", "right")], "-t 1 --output r.json").exits(0);
    let ran = benchmark(&workspace, &[("bad", "wrong")], "-t 1 --output r.json -q");
    let why = format!("first wrong token {WRONG}: found ");
    ran.fails(
        1,
        &["bad: rejected", &why, "the old one is now r.json.stale"],
    );
    assert_eq!(workspace.names("."), ["q.gguf", "r.json.stale"]);
}

#[test]
fn an_engine_that_chooses_otherwise_each_time_has_no_receipt() {
    let workspace = workspace();
    let ran = benchmark(
        &workspace,
        &[("odd", "unsteady")],
        "-t 1 --output r.json -q",
    );
    ran.fails(
        1,
        &[
            "odd: repetition 1",
            &WRONG.to_string(),
            "no receipt written",
        ],
    );
    assert_eq!(workspace.names("."), ["q.gguf"]);
}

/// Nothing is known to be wrong, so an old receipt stays.
#[test]
fn an_engine_that_dies_only_loses_its_own_row() {
    let workspace = workspace();
    benchmark(
        &workspace,
        &[OURS, ("frail", "right")],
        "-t 1 --output-dir out -q",
    )
    .exits(0);
    let old = workspace.read("out/q-p4-n6-t1-frail.json");
    let words = "-t 1 --output-dir out -o md";
    let ran = benchmark(&workspace, &[OURS, ("frail", "dies")], words).exits(3);
    assert_eq!(workspace.read("out/q-p4-n6-t1-frail.json"), old);
    let line = ran
        .stdout
        .lines()
        .find(|line| line.contains("| frail "))
        .unwrap();
    assert!(
        line.contains("no answer: ") && line.contains("out of luck"),
        "{line}"
    );
    assert!(ran.stdout.contains("bit for bit"), "{}", ran.stdout);
    let ran = benchmark(&workspace, &[("frail", "dies")], "-t 1 --output r.json -q");
    ran.fails(3, &["frail: ", "out of luck"]);
    assert!(!workspace.path("r.json").exists());
}

/// Its steps would look far too fast, each with a line of its own.
#[test]
fn an_engine_that_computes_first_and_then_sends_has_no_number() {
    let workspace = workspace();
    let held = [("held", "holds-back")];
    let ran = benchmark(&workspace, &held, "-t 1 --output r.json -q");
    ran.fails(
        4,
        &["held: ", "its output is held back; flush after each token"],
    );
    assert_eq!(workspace.names("."), ["q.gguf"]);
}

#[test]
fn what_is_of_our_engine_makes_no_more_cells_of_another() {
    let workspace = workspace();
    let words = "-t 1,2 --kernel scalar,auto --kv-type f32,f16 --packing auto,off --output-dir out";
    let ran = benchmark(&workspace, &[OURS, ("other", "right")], words).exits(0);
    assert!(
        ran.stderr.contains("18 cells in random order"),
        "{}",
        ran.stderr
    );
    let names = workspace.names("out");
    let others: Vec<&String> = names.iter().filter(|name| name.contains("other")).collect();
    assert_eq!(others, ["q-p4-n6-t1-other.json", "q-p4-n6-t2-other.json"]);
    let threads = |name: &str| receipt(&workspace, name)["run"]["threads"].clone();
    assert_eq!(threads("out/q-p4-n6-t2-other.json"), 2);
}

#[test]
fn receipts_of_two_engines_are_compared() {
    let workspace = workspace();
    let words = "-t 1 -r 20 --output-dir out -q";
    benchmark(&workspace, &[OURS, ("other", "right")], words).exits(0);
    let words = "compare out/q-p4-n6-t1.json out/q-p4-n6-t1-other.json";
    let ran = workspace.run(words).exits(0);
    for part in [
        "1 receipt of other, by build",
        "old: bit for bit; new: consistent, 0 of 6 tied; the same tokens",
        "Tokens right on both sides",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let found = workspace.run(&format!("{words} -o json")).exits(0).json();
    assert_eq!(found["comparisons"][0]["tokens"], "judged");
    workspace
        .run("compare --vary kernel=scalar|auto -- --engine other")
        .fails(2, &["--engine", "benchmark --engine"]);
}
