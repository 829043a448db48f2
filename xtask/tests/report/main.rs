//! `report`: the page of receipts, as real processes write it.

mod bad_input;
mod browser;
mod external;
mod extremes;
mod html;
mod page;
#[path = "../cli/process.rs"]
mod process;

use std::sync::LazyLock;

use host::receipt::seal;
use serde_json::Value;

use html::Page;
use process::Workspace;

/// A genuine receipt of 3 repetitions of 16 tokens, made once.
static GENUINE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let workspace = Workspace::new();
    let words = "benchmark --tokens 16 --prompt-tokens 8 --repetitions 3 --quiet --output r.json";
    workspace.run(words).exits(0);
    workspace.read("r.json")
});

/// A workspace with the genuine receipt as `r.json`.
fn with_receipt() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("r.json", &*GENUINE);
    workspace
}

/// Writes an edited receipt whose digest was recomputed.
fn write_edited(workspace: &Workspace, name: &str, edit: impl FnOnce(&mut Value)) {
    let mut receipt = serde_json::from_slice(&GENUINE).unwrap();
    edit(&mut receipt);
    seal(&mut receipt);
    workspace.write(name, receipt.to_string());
}

/// The page that `report` with `words` writes, where the command ends with `code`.
#[track_caller]
fn page(workspace: &Workspace, words: &str, code: i32) -> Page {
    workspace.run(&format!("report {words}")).exits(code);
    Page::read(&workspace.read("report.html"))
}
