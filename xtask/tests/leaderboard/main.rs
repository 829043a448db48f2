//! `leaderboard`: many receipts, each with what it is worth.

#[path = "../cli/process.rs"]
mod process;

mod files;
mod folder;
mod verdicts;

use std::sync::LazyLock;

use host::receipt::seal;
use serde_json::{Value, json};

use process::Workspace;

/// Receipts of two tasks with different settings, made once. Their rates are set, so that their order is
/// known.
static RECEIPTS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let workspace = Workspace::new();
    let words = [
        "--prompt-tokens 4 --threads 1",
        "--prompt-tokens 4 --threads 1 --kernel scalar",
        "--prompt-tokens 5 --threads 1",
    ];
    let receipts = words.iter().zip(1..).map(|(words, i)| {
        let small = "--tokens 3 --repetitions 1 --parity off --warmup 0 --quiet";
        workspace
            .run(&format!("benchmark {words} {small}"))
            .exits(0);
        (format!("r{i}.json"), workspace.receipt_json())
    });
    receipts.collect()
});

/// A workspace with a folder `all` of the genuine receipts.
fn with_receipts() -> Workspace {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("all")).unwrap();
    for (name, receipt) in &*RECEIPTS {
        add(&workspace, name, receipt);
    }
    workspace
}

fn add(workspace: &Workspace, name: &str, receipt: &Value) {
    workspace.write(format!("all/{name}"), receipt.to_string());
}

/// A receipt like the one with this number, edited and sealed anew.
fn edited(i: usize, edit: impl FnOnce(&mut Value)) -> Value {
    let mut receipt = RECEIPTS[i].1.clone();
    edit(&mut receipt);
    seal(&mut receipt);
    receipt
}

/// The board as JSON.
fn board(workspace: &Workspace, words: &str) -> Value {
    let words = format!("leaderboard {words} --format json");
    workspace.run(&words).exits(0).json()
}

/// These columns of every row.
fn columns(board: &Value, names: &[&str]) -> Vec<Vec<Value>> {
    let rows = board["receipts"].as_array().unwrap().iter();
    rows.map(|row| names.iter().map(|name| row[*name].clone()).collect())
        .collect()
}

fn notes(board: &Value) -> Vec<String> {
    serde_json::from_value(board["notes"].clone()).unwrap()
}

/// The row of the file with this name.
fn row<'b>(board: &'b Value, place: &str) -> &'b Value {
    let mut rows = board["receipts"].as_array().unwrap().iter();
    rows.find(|row| row["place"] == place)
        .unwrap_or_else(|| panic!("no {place} in {board}"))
}

/// A token that the model did not choose at the place of one that it did.
fn with_a_wrong_token(i: usize) -> Value {
    edited(i, |r| {
        let token = r["tokens"][1].as_u64().unwrap();
        r["tokens"][1] = json!(token ^ 1);
    })
}
