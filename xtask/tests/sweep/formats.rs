//! Rows for programs: on standard output, on standard error, in files.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{
    process::{BITRECEIPT, Workspace},
    receipts::{receipt, sweep},
};

/// Columns that mean what they mean to llama-bench.
const OF_LLAMA_BENCH: [&str; 20] = [
    "build_commit",
    "cpu_info",
    "backends",
    "model_filename",
    "model_type",
    "model_size",
    "model_n_params",
    "n_threads",
    "type_k",
    "type_v",
    "n_prompt",
    "n_gen",
    "n_depth",
    "test_time",
    "avg_ns",
    "stddev_ns",
    "avg_ts",
    "stddev_ts",
    "samples_ns",
    "samples_ts",
];

#[test]
fn all_formats_have_the_same_rows() {
    let workspace = Workspace::empty(BITRECEIPT);
    let words = "-p 4,5 -t 1 -o jsonl -oe csv --export-json r.json --export-csv r.csv --export-md r.md \
                 --export-jsonl r.jsonl --export-sql r.sql";
    let ran = sweep(&workspace, words).exits(0);
    assert_eq!(ran.stdout.as_bytes(), workspace.read("r.jsonl"));
    let csv = String::from_utf8(workspace.read("r.csv")).unwrap();
    assert!(ran.stderr.contains(csv.trim_end()), "{}", ran.stderr);
    let rows: Vec<Value> = ran
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let array: Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
    assert_eq!(Value::from(rows.clone()), array);
    assert_eq!(csv.lines().count(), 1 + rows.len());
    let titles: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    for name in OF_LLAMA_BENCH {
        assert!(rows[0].get(name).is_some(), "no {name}");
        assert_eq!(
            titles.contains(&name),
            !name.starts_with("samples_"),
            "{name}"
        );
    }
    let md = String::from_utf8(workspace.read("r.md")).unwrap();
    assert_eq!(md.lines().count(), 2 + rows.len(), "{md}");
}

/// What stands in a row is what stands in the receipt that it names.
#[test]
fn rows_say_what_their_receipts_say() {
    let workspace = Workspace::empty(BITRECEIPT);
    let ran = sweep(&workspace, "-p 4,5 -t 1 -o json").exits(0).json();
    let rows = ran.as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let name = row["receipt"]
            .as_str()
            .unwrap()
            .strip_prefix("out/")
            .unwrap();
        let r = receipt(&workspace, name);
        assert_eq!(row["checksum"], r["parity"]["checksum"]);
        assert_eq!(row["receipt_sha256"], r["receipt_sha256"]);
        assert_eq!(row["model_sha256"], r["model"]["sha256"]);
        assert_eq!(row["replayed_by_writer"], json!(true));
        let prompt = r["run"]["prompt_ids"].as_array().unwrap().len();
        let (rate, samples) = match row["n_gen"] == json!(0) {
            true => (&r["prefill_tokens_per_sec"], &r["samples"]["prefill_ns"][0]),
            false => (&r["decode_tokens_per_sec"], &Value::Null),
        };
        assert_eq!(row["avg_ts"], *rate);
        assert_eq!(
            row["stddev_ts"],
            Value::Null,
            "one repetition has no spread"
        );
        match samples {
            Value::Null => {
                let steps = r["samples"]["decode_ns"][0].as_array().unwrap();
                let sum: u64 = steps.iter().map(|n| n.as_u64().unwrap()).sum();
                assert_eq!(row["samples_ns"], json!([sum]));
                assert_eq!((&row["n_gen"], &row["n_timed"]), (&json!(3), &json!(2)));
                assert_eq!(
                    (&row["n_depth"], &row["n_prompt"]),
                    (&json!(prompt), &json!(0))
                );
            }
            prefill => {
                assert_eq!(row["samples_ns"], json!([prefill]));
                assert_eq!(row["n_prompt"], json!(prompt));
            }
        }
    }
}

#[test]
fn a_single_run_has_rows_too_and_json_is_its_receipt() {
    let workspace = Workspace::empty(BITRECEIPT);
    let words = "benchmark -n 3 -p 4 -r 1 --parity off";
    let csv = workspace.run(&format!("{words} -o csv")).exits(0).stdout;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(
        csv.lines().nth(1).unwrap().ends_with(",inference.json"),
        "{csv}"
    );
    for flags in ["-o json", "--format json"] {
        let ran = workspace.run(&format!("{words} {flags}")).exits(0);
        assert_eq!(ran.stdout.as_bytes(), workspace.read("inference.json"));
    }
    let failed = workspace
        .run("benchmark absent.gguf -o json")
        .exits(5)
        .json();
    assert_eq!(failed["error"]["code"], 5);
}

/// A database takes what is meant for one.
#[test]
fn sqlite_reads_the_sql() {
    let workspace = Workspace::empty(BITRECEIPT);
    sweep(&workspace, "-p 4,5 -t 1 --export-sql r.sql").exits(0);
    let script = "import sqlite3\n\
                  db = sqlite3.connect(':memory:')\n\
                  for _ in range(2): db.executescript(open('r.sql').read())\n\
                  print(db.execute('select count(*), min(n_threads), typeof(avg_ts), \
                  sum(stddev_ts is null) from bitreceipt where n_gen = 3').fetchone())";
    let python = Command::new("python3")
        .args(["-c", script])
        .current_dir(workspace.folder())
        .output();
    let Ok(python) = python else {
        eprintln!("SKIPPED, no python3");
        return;
    };
    let said = String::from_utf8_lossy(&python.stdout);
    // The table is made once, and has the rows of both times.
    assert_eq!(
        said.trim(),
        "(4, 1, 'real', 4)",
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
}

#[test]
fn nobody_has_to_listen() {
    let workspace = Workspace::empty(BITRECEIPT);
    let mut command = workspace.command("benchmark -n 3 -p 4,5 -r 1 --parity off -o csv -oe md");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(workspace.names("receipts").len(), 2);
}

#[test]
fn trackers_of_rates_have_their_own_formats() {
    let workspace = Workspace::new();
    workspace
        .run("benchmark -q -t 1 -n 3 -p 4 -r 3 --parity off")
        .exits(0);
    let show = |format: &str| {
        let ran = workspace.run(&format!("show ci/inference.json -o {format}"));
        ran.exits(0).json()
    };
    let array = show("github-action-benchmark");
    let names: Vec<&str> = array
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{array}");
    assert!(
        names[1].contains(" tg3 @ d4 ") && names[1].ends_with(" 1 thread"),
        "{names:?}"
    );
    for row in array.as_array().unwrap() {
        assert_eq!(row["unit"], "tokens/s");
        assert!(row["value"].as_f64().unwrap() > 0.0);
        assert!(row["range"].as_str().unwrap().starts_with("± "), "{row}");
    }
    let measures = show("bencher");
    for name in names {
        let measure = &measures[name]["throughput"];
        let [low, value, high] =
            ["lower_value", "value", "upper_value"].map(|key| measure[key].as_f64().unwrap());
        assert!(low <= value && value <= high, "{measure}");
    }
}
