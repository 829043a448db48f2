//! What the page says when something is wrong: one clear line, and no verdict.

use std::path::Path;

use crate::{
    devtools::Browser,
    page::{browser, check, failure, is_shown, open, text, tiny, url, verdict, with_receipt},
};

#[test]
fn what_is_no_receipt_is_named() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    workspace.write("a.txt", "Dear sir");
    for (name, parts) in [
        ("a.txt", &["a.txt"][..]),
        ("r.json.dsse.json", &["bundle"]),
        ("models/tiny.gguf", &["tiny.gguf"]),
    ] {
        check(&tab, &workspace.path(name));
        let (title, line) = failure(&tab);
        assert_eq!(title, "This is not a receipt", "{line}");
        for part in parts {
            assert!(line.contains(part), "{name}: {line}");
        }
        assert!(!line.contains('\n'), "{line}");
        assert!(!is_shown(&tab, "work") && !is_shown(&tab, "result"));
    }
}

#[test]
fn a_key_that_is_none_is_named() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    tab.choose("#bundle", &[&workspace.path("r.json.dsse.json")]);
    tab.choose("#public-key", &[&workspace.path("r.json")]);
    check(&tab, &workspace.path("r.json"));
    let (title, line) = failure(&tab);
    assert_eq!(title, "A file is not what it should be");
    assert!(line.contains("r.json"), "{line}");
}

#[test]
fn what_is_missing_is_asked_for() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    tab.eval("document.getElementById('check').click()");
    assert_eq!(failure(&tab).0, "There is no receipt");
    assert_eq!(tab.eval("document.activeElement.id"), "receipt");
    let workspace = with_receipt();
    tab.choose("#bundle", &[&workspace.path("r.json.dsse.json")]);
    check(&tab, &workspace.path("r.json"));
    assert!(failure(&tab).1.contains("public key"));
    // Its place was folded away.
    assert_eq!(tab.eval("document.activeElement.id"), "public-key");
    tab.eval("document.getElementById('form').reset()");
    tab.eval("document.getElementById('challenge').value = 'five'");
    check(&tab, &workspace.path("r.json"));
    assert!(failure(&tab).1.contains("challenge"));
}

/// Without the receipt's model nothing is proved, and nothing is refuted either.
#[test]
fn another_model_makes_a_receipt_unverifiable() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    let mut other = std::fs::read(tiny()).unwrap();
    *other.last_mut().unwrap() ^= 1;
    workspace.write("other.gguf", other);
    tab.choose("#model", &[&workspace.path("other.gguf")]);
    check(&tab, &workspace.path("r.json"));
    let verdict = verdict(&tab);
    assert_eq!(verdict["conclusion"], "unverifiable", "{verdict:#}");
    assert!(text(&tab, "findings").contains("parity_replay"));
    assert_eq!(text(&tab, "run-title"), "Not proved here");
    // As for the command, what is no model at all is bad input.
    workspace.write("short.gguf", "GGUF");
    tab.choose("#model", &[&workspace.path("short.gguf")]);
    check(&tab, &workspace.path("r.json"));
    let (title, line) = failure(&tab);
    assert_eq!(title, "A file is not what it should be");
    assert!(line.starts_with("short.gguf: "), "{line}");
    workspace
        .run("verify-receipt r.json --model short.gguf")
        .fails(4, &[&line]);
}

#[test]
fn a_browser_without_webassembly_is_told() {
    let Some(browser) = Browser::start(&["--js-flags=--jitless"]) else {
        return;
    };
    let tab = open(&browser);
    let (title, line) = failure(&tab);
    assert_eq!(title, "This browser cannot check receipts");
    assert!(line.contains("WebAssembly"), "{line}");
    tab.eval("document.getElementById('try').click()");
    assert_eq!(failure(&tab).0, "This browser cannot check receipts");
}

/// The guest gets no more memory than a few pages of 64 KiB.
#[test]
fn a_lack_of_memory_is_no_verdict() {
    let Some(browser) = Browser::start(&["--js-flags=--wasm-max-mem-pages=40"]) else {
        return;
    };
    let tab = open(&browser);
    tab.eval("document.getElementById('try').click()");
    let (title, line) = failure(&tab);
    assert_eq!(title, "There is not enough memory", "{line}");
    assert!(!is_shown(&tab, "result"));
}

#[test]
fn a_page_without_scripts_says_what_to_do() {
    let Some(browser) = browser() else { return };
    let tab = browser.tab();
    let off = serde_json::json!({"value": true});
    tab.call("Emulation.setScriptExecutionDisabled", off);
    tab.call("Page.navigate", serde_json::json!({"url": url()}));
    assert!(Path::new(&crate::page::index()).exists());
    tab.wait("document.body && document.body.innerText.includes('needs JavaScript')");
}
