//! The page, built once by the command, and what a person does with it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

use crate::{
    devtools::{Browser, Tab},
    process::{Ran, TINY, Workspace, XTASK},
};

/// The folder with the page.
static BUILT: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    folder
});

/// Has the command build the page into a folder. Gives what it says of the page.
pub fn build(folder: &Path) -> Value {
    let mut command = Command::new(XTASK);
    command.args(["web", "--format", "json", "--quiet", "--output"]);
    command.arg(folder);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    Ran::of(command.output().unwrap(), "web").exits(0).json()
}

/// Where the page is.
pub fn index() -> PathBuf {
    BUILT.path().join("index.html")
}

/// Its address on a disk.
pub fn url() -> String {
    format!("file://{}", index().display())
}

/// A browser and the page in it. None, and said, where there is no Chromium.
pub fn browser() -> Option<Browser> {
    Browser::start(&[])
}

/// Opens the page in a new tab.
pub fn open(browser: &Browser) -> Tab<'_> {
    let tab = browser.tab();
    tab.open(&url());
    tab
}

/// A genuine receipt of 8 tokens as `r.json`, and its bundle and key.
pub fn with_receipt() -> Workspace {
    let workspace = Workspace::new();
    workspace.run("keygen --output my.key --quiet").exits(0);
    let words = "benchmark --tokens 8 --prompt-tokens 4 --repetitions 2 --quiet --output r.json --sign my.key";
    workspace.run(words).exits(0);
    workspace
}

/// The model that the page has inside, as a file.
pub fn tiny() -> PathBuf {
    // A browser refuses `..`.
    Path::new(TINY).canonicalize().unwrap()
}

/// Chooses a receipt and presses the button.
pub fn check(tab: &Tab, receipt: &Path) {
    tab.choose("#receipt", &[receipt]);
    tab.eval("document.getElementById('check').click()");
}

/// Waits for the end of a check.
#[track_caller]
pub fn wait_for_end(tab: &Tab) {
    tab.wait(
        "!document.getElementById('result').hidden || !document.getElementById('failure').hidden",
    );
}

/// Waits for a verdict.
#[track_caller]
pub fn verdict(tab: &Tab) -> Value {
    wait_for_end(tab);
    let failure = text(tab, "failure-text");
    assert!(is_shown(tab, "result"), "{failure}");
    serde_json::from_str(&text(tab, "json")).unwrap()
}

/// Waits for an error: its heading and what it says.
#[track_caller]
pub fn failure(tab: &Tab) -> (String, String) {
    wait_for_end(tab);
    assert!(is_shown(tab, "failure"), "{}", text(tab, "text"));
    (text(tab, "failure-title"), text(tab, "failure-text"))
}

/// Whether an element can be seen.
pub fn is_shown(tab: &Tab, id: &str) -> bool {
    tab.eval(&format!("!document.getElementById('{id}').hidden")) == Value::Bool(true)
}

/// The text of an element, shown or not.
pub fn text(tab: &Tab, id: &str) -> String {
    let text = tab.eval(&format!("document.getElementById('{id}').textContent"));
    text.as_str().unwrap().to_owned()
}
