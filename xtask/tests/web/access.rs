//! By keyboard and by screen reader.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    devtools::Tab,
    page::{browser, check, open, verdict, with_receipt},
};

fn focused(tab: &Tab) -> String {
    let id = tab.eval("document.activeElement.id");
    id.as_str().unwrap().to_owned()
}

#[test]
fn a_keyboard_reaches_the_example_and_its_verdict() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    tab.press("Tab");
    assert_eq!(focused(&tab), "try", "it is the first thing");
    let outline = tab.eval("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid", "focus is visible");
    tab.press("Enter");
    verdict(&tab);
    // What is read out next is the verdict.
    assert_eq!(focused(&tab), "verdict");
    assert_eq!(tab.eval("scrollY"), 0);
}

/// Every control is reached by Tab alone, in the order of the page, and shows that it has the focus.
#[test]
fn a_keyboard_reaches_every_control() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    check(&tab, &workspace.path("r.json"));
    verdict(&tab);
    tab.eval("for (const details of document.querySelectorAll('details')) details.open = true");
    tab.eval("document.activeElement.blur(); scrollTo(0, 0)");
    let expected = tab.eval(
        "[...document.querySelectorAll('button, input, summary, [tabindex=\"0\"]')] \
            .filter(e => e.checkVisibility()).length",
    );
    let mut reached = Vec::new();
    loop {
        tab.press("Tab");
        let place = tab.eval(
            "(() => { const e = document.activeElement, box = e.getBoundingClientRect(); \
                if (e === document.body) return null; \
                const seen = getComputedStyle(e).outlineStyle === 'solid'; \
                return { what: e.id || e.textContent.trim(), at: box.top + scrollY, seen }; })()",
        );
        if place.is_null() || reached.contains(&place) || reached.len() > 99 {
            break;
        }
        assert_eq!(place["seen"], true, "{place}");
        reached.push(place);
    }
    assert_eq!(json!(reached.len()), expected, "{reached:#?}");
    let tops: Vec<f64> = reached
        .iter()
        .map(|place| place["at"].as_f64().unwrap())
        .collect();
    // Two may stand beside one another.
    assert!(
        tops.windows(2).all(|pair| pair[1] > pair[0] - 40.0),
        "{reached:#?}"
    );
}

fn value<'n>(node: &'n Value, property: &str) -> &'n str {
    node[property]["value"].as_str().unwrap_or_default()
}

#[test]
fn a_screen_reader_has_names_headings_and_landmarks() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    let workspace = with_receipt();
    check(&tab, &workspace.path("r.json"));
    verdict(&tab);
    tab.eval("for (const details of document.querySelectorAll('details')) details.open = true");
    let tree = tab.call("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let nodes: Vec<&Value> = nodes.iter().filter(|n| n["ignored"] != true).collect();
    let with_role = |roles: &'static [&str]| {
        let nodes = nodes.iter().copied();
        nodes.filter(|node| roles.contains(&value(node, "role")))
    };
    let controls = with_role(&[
        "button",
        "textbox",
        "DisclosureTriangle",
        "progressbar",
        "region",
        "table",
    ]);
    let unnamed: Vec<_> = controls
        .clone()
        .filter(|node| value(node, "name").trim().is_empty() && value(node, "role") != "table")
        .collect();
    assert!(unnamed.is_empty(), "{unnamed:#?}");
    assert!(controls.count() >= 12);
    for landmark in ["banner", "main", "contentinfo"] {
        let found = nodes.iter().filter(|node| value(node, "role") == landmark);
        assert_eq!(found.count(), 1, "{landmark}");
    }
    let levels = tab.eval(
        "[...document.querySelectorAll('h1, h2, h3, h4')].filter(h => h.checkVisibility()) \
            .map(h => Number(h.tagName[1]))",
    );
    let levels: Vec<i64> = serde_json::from_value(levels).unwrap();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(
        levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
        "{levels:?}"
    );
    let ids = tab.eval("[...document.querySelectorAll('[id]')].map(e => e.id)");
    let ids: Vec<String> = serde_json::from_value(ids).unwrap();
    let distinct: BTreeSet<_> = ids.iter().collect();
    // What core.js embeds has ids as well.
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    // The title of the page, and its language.
    assert_eq!(tab.eval("document.documentElement.lang"), "en");
    assert_eq!(tab.eval("document.title"), "Bitreceipt: check a receipt");
}

/// What changes is said: progress politely, an error at once.
#[test]
fn progress_and_errors_are_announced() {
    let Some(browser) = browser() else { return };
    let tab = open(&browser);
    tab.eval(
        "window.said = []; new MutationObserver(() => said.push(document.getElementById('status').textContent)) \
            .observe(document.getElementById('status'), { childList: true, characterData: true, subtree: true })",
    );
    tab.eval("document.getElementById('try').click()");
    verdict(&tab);
    let said = tab.eval("said.filter(line => line !== '')");
    let said = said.as_array().unwrap();
    assert!(!said.is_empty() && said.len() < 40, "{said:?}");
    let roles = tab.eval("[...document.querySelectorAll('[role]')].map(e => e.id + ' ' + e.role)");
    for role in ["status status", "failure alert"] {
        assert!(roles.as_array().unwrap().contains(&json!(role)), "{roles}");
    }
}
