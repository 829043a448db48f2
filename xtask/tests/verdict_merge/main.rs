//! `verdict merge`: what several workers found of one run, put together. Nothing may be missing, and
//! everybody has to speak about the same run.

#[path = "../cli/process.rs"]
mod process;

mod contradictions;
mod parts;
mod refusals;

use std::sync::LazyLock;

use host::receipt::seal;
use serde_json::{Value, json};

use process::{Ran, Workspace};

/// A receipt of 14 positions, which have two units of choices.
const RUN: &str = "benchmark --deterministic --tokens 11 --prompt-tokens 4 --repetitions 2 --quiet";

/// A workspace with a genuine receipt, made once.
static GENUINE: LazyLock<Workspace> = LazyLock::new(|| {
    let workspace = Workspace::new();
    workspace.run(RUN).exits(0);
    workspace
});

/// The verdicts of three workers, which have every layer and every choice, some twice.
static WORKERS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    ["--layers 0..3", "--layers 2..6", "--heads"].map(|part| worker(&GENUINE, part))
});

/// What a worker finds of a part of the receipt in `workspace`.
fn worker(workspace: &Workspace, part: &str) -> Value {
    let ran = workspace.run(&format!("verify-receipt --format json {part}"));
    ran.json()
}

/// Merges these verdicts; `words` are more arguments.
fn merge_with(verdicts: &[Value], words: &str) -> Ran {
    let workspace = Workspace::new();
    let mut all = format!("verdict merge {words}");
    for (verdict, i) in verdicts.iter().zip(1..) {
        workspace.write(format!("w{i}.json"), verdict.to_string());
        all += &format!(" w{i}.json");
    }
    workspace.run(&all)
}

fn merge(verdicts: &[Value]) -> Ran {
    merge_with(verdicts, "")
}

/// The workers' verdicts, of which the last one, that on the choices, was edited.
fn with_edit(edit: impl FnOnce(&mut Value)) -> Vec<Value> {
    let mut verdicts = WORKERS.to_vec();
    edit(&mut verdicts[2]);
    verdicts
}

/// A receipt of the same run that says something else, sealed anew.
fn another_receipt(edit: impl FnOnce(&mut Value)) -> Workspace {
    let workspace = Workspace::new();
    let mut receipt = GENUINE.receipt_json();
    edit(&mut receipt);
    seal(&mut receipt);
    workspace.write("ci/inference.json", receipt.to_string());
    workspace
}

/// Sets the outcome of a rule.
fn set_outcome(verdict: &mut Value, rule: &str, outcome: &str) {
    let rules = verdict["rules"].as_array_mut().unwrap();
    let found = rules.iter_mut().find(|r| r["rule"] == rule);
    found.expect(rule)["outcome"] = json!(outcome);
}
