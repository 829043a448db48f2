//! The page as a browser lays it out: phones and desktops, the light scheme and the dark one, and paper.

use serde_json::{Value, json};

use crate::{
    devtools::Tab,
    page::{browser, check, failure, open, verdict, with_receipt},
};

/// How wide the content is, its colours, and what is hard to read or to hit.
const LOOK: &str = include_str!("look.js");

/// Each state of the page, made by a name.
fn states(tab: &Tab, state: &str) {
    let workspace = with_receipt();
    let path = workspace.path("r.json");
    match state {
        "start" => tab
            .eval("document.getElementById('more').open = true")
            .take(),
        "accepted" => {
            check(tab, &path);
            verdict(tab)
        }
        "rejected" => {
            let mut receipt: Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
            receipt["host"]["cpu_model"] = "W".repeat(200).into();
            receipt["backend"] = "M".repeat(300).into();
            receipt["tokens_per_sec"] = json!(1e9);
            host::receipt::seal(&mut receipt);
            let long = format!("{}.json", "n".repeat(100));
            workspace.write(&long, receipt.to_string());
            check(tab, &workspace.path(&long));
            verdict(tab)
        }
        "failed" => {
            workspace.write("w.json", "W".repeat(300));
            check(tab, &workspace.path("w.json"));
            failure(tab);
            Value::Null
        }
        other => panic!("no state {other}"),
    };
    tab.eval("for (const details of document.querySelectorAll('details')) details.open = true");
}

#[test]
fn a_page_fits_onto_phones_and_desktops_in_both_schemes() {
    let Some(browser) = browser() else { return };
    for state in ["start", "accepted", "rejected", "failed"] {
        let tab = open(&browser);
        states(&tab, state);
        let mut papers = Vec::new();
        for (width, scheme) in [
            (320, "light"),
            (400, "light"),
            (400, "dark"),
            (1280, "light"),
            (1280, "dark"),
        ] {
            tab.look(width, 900, scheme);
            let found = tab.eval(LOOK);
            let shown = found["width"].as_u64().unwrap();
            assert!(
                shown <= u64::from(width),
                "{state}: {shown} of {width} pixels"
            );
            for flaw in ["faint", "small", "outside"] {
                assert_eq!(
                    found[flaw],
                    json!([]),
                    "{state}, {width} pixels, {scheme}: {flaw}"
                );
            }
            papers.push(found["paper"].clone());
        }
        assert_ne!(papers[1], papers[2], "the schemes");
        assert_eq!(papers[1..3], papers[3..]);
    }
}

#[test]
fn paper_has_the_verdict_and_no_buttons() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    states(&tab, "accepted");
    tab.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
    let shown = |id: &str| {
        tab.eval(&format!(
            "document.getElementById('{id}').checkVisibility()"
        ))
    };
    assert_eq!(shown("verdict"), true);
    assert_eq!(shown("claims"), true);
    for id in ["try", "form", "save"] {
        assert_eq!(shown(id), false, "{id}");
    }
}
