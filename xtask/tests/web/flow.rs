//! From a file to a verdict, as a person goes.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    devtools::Tab,
    page::{
        browser, check, failure, is_shown, open, text, url, verdict, wait_for_end, with_receipt,
    },
};

#[test]
fn the_built_in_example_is_accepted_and_the_guest_is_the_committed_one() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    tab.eval("document.getElementById('try').click()");
    let verdict = verdict(&tab);
    assert_eq!(verdict["conclusion"], "accepted", "{verdict:#}");
    assert_eq!(verdict["replayed"], "everything");
    assert!(text(&tab, "tokens").contains("proved by a replay, bit for bit"));
    assert!(text(&tab, "took").starts_with("Checked in "));
    let artifact = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../guest-reference/artifact.json"
    );
    let artifact: Value = serde_json::from_slice(&fs::read(artifact).unwrap()).unwrap();
    assert_eq!(artifact["wasm_sha256"], json!(text(&tab, "guest")));
    assert!(text(&tab, "guest-outcome").starts_with('✓'));
    // Words and marks say it, and a colour besides.
    assert_eq!(text(&tab, "badge"), "✓ accepted");
    let rows = tab.eval("document.querySelectorAll('#rules tbody tr').length");
    assert_eq!(rows, json!(verdict["rules"].as_array().unwrap().len()));
}

/// The text is the command's, apart from fuel, which another sandbox does not count.
#[test]
fn the_page_prints_what_the_command_prints() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    check(&tab, &workspace.path("r.json"));
    verdict(&tab);
    let of_command = workspace
        .run("verify-receipt r.json --progress none")
        .exits(0);
    let without_fuel = |text: &str| {
        let lines = text
            .lines()
            .skip(1)
            .filter(|line| !line.contains("parity_fuel"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let of_page = text(&tab, "text");
    assert!(of_page.starts_with("accepted: r.json ("), "{of_page}");
    assert_eq!(without_fuel(&of_page), without_fuel(&of_command.stdout));
    assert!(without_fuel(&of_page).len() > 5, "{of_page}");
}

/// Drops files beside the frame for them, where a browser would leave the page.
fn drop_files(tab: &Tab, files: &[PathBuf]) {
    let data = json!({"items": [], "files": files, "dragOperationsMask": 1});
    for kind in ["dragEnter", "dragOver", "drop"] {
        let event = json!({"type": kind, "x": 60, "y": 20, "data": data});
        tab.call("Input.dispatchDragEvent", event);
    }
}

#[test]
fn dropped_files_find_their_places() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    let names = [
        "my.key.pub",
        "r.json.dsse.json",
        "r.json",
        "models/tiny.gguf",
    ];
    let files = names.map(|name| workspace.path(name));
    drop_files(&tab, &files);
    let verdict = verdict(&tab);
    assert_eq!(verdict["conclusion"], "accepted", "{verdict:#}");
    let key = workspace.read("r.json.dsse.json");
    let bundle: Value = serde_json::from_slice(&key).unwrap();
    assert_eq!(verdict["signed_by"], bundle["signatures"][0]["keyid"]);
    assert_eq!(
        tab.eval("document.getElementById('model').files[0].name"),
        "tiny.gguf"
    );
    assert_eq!(tab.eval("location.href"), json!(url()));
}

#[test]
fn a_check_can_be_cancelled_and_begun_again() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    for wait_ms in [0, 5, 50] {
        tab.eval(&format!(
            "document.getElementById('try').click(); \
             new Promise(done => setTimeout(done, {wait_ms})).then(() => {{ \
                 document.getElementById('cancel').click() }})"
        ));
        wait_for_end(&tab);
        if is_shown(&tab, "failure") {
            assert_eq!(failure(&tab).0, "Cancelled");
            assert_eq!(tab.eval("document.activeElement.id"), "try");
        }
        assert!(!is_shown(&tab, "work"));
    }
    // Two at once are one: the later.
    tab.eval("document.getElementById('try').click(); document.getElementById('try').click()");
    assert_eq!(verdict(&tab)["conclusion"], "accepted");
}

#[test]
fn a_verdict_can_be_saved() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    check(&tab, &workspace.path("r.json"));
    verdict(&tab);
    let folder = workspace.folder();
    let allow = json!({"behavior": "allow", "downloadPath": folder});
    tab.call("Browser.setDownloadBehavior", allow);
    tab.eval("document.getElementById('save').click()");
    let saved = folder.join("verdict.json");
    while !saved.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(fs::read_to_string(saved).unwrap(), text(&tab, "json"));
}

/// Whatever a receipt says is text: no element comes from it, and it does not turn its line around.
#[test]
fn a_hostile_text_stays_a_text() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    let mut receipt: Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
    let hostile = "<img src=x onerror=alert(1)>\u{202e}<b>✓ accepted</b>";
    receipt["host"]["cpu_model"] = hostile.into();
    receipt["backend"] = hostile.into();
    host::receipt::seal(&mut receipt);
    workspace.write("<i>.json", receipt.to_string());
    check(&tab, &workspace.path("<i>.json"));
    assert_eq!(verdict(&tab)["conclusion"], "rejected");
    let made = tab.eval("document.querySelectorAll('#result img, #result b, #result i').length");
    assert_eq!(made, 0);
    assert_eq!(text(&tab, "place"), "<i>.json");
    for id in ["findings", "claims"] {
        let shown = text(&tab, id);
        assert!(shown.contains("<img src=x onerror=alert(1)>"), "{shown}");
        assert!(!shown.contains('\u{202e}'), "{shown}");
    }
}

/// With two statements, a guess at whose key it is could refute a good signature.
#[test]
fn a_key_goes_to_the_statement_that_is_there() {
    let Some(browser) = browser() else { return };
    let workspace = with_receipt();
    workspace.write(
        "r.json.challenged.dsse.json",
        r#"{"payloadType": "x", "payload": ""}"#,
    );
    let places = [
        (&["my.key.pub", "r.json.dsse.json"][..], "public-key"),
        (
            &["my.key.pub", "r.json.challenged.dsse.json"],
            "challenger-key",
        ),
        (
            &[
                "my.key.pub",
                "r.json.dsse.json",
                "r.json.challenged.dsse.json",
            ],
            "",
        ),
    ];
    for (names, expected) in places {
        let tab = open(&browser);
        let files: Vec<_> = names.iter().map(|name| workspace.path(name)).collect();
        drop_files(&tab, &files);
        tab.wait("document.getElementById('more').open");
        let chosen = tab.eval(
            "['public-key', 'challenger-key'].filter(id => document.getElementById(id).files.length).join()",
        );
        assert_eq!(chosen, expected, "{names:?}");
        if expected.is_empty() {
            assert_eq!(failure(&tab).0, "Whose key is it?");
        }
    }
}
