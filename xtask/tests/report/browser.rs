//! The page as a browser lays it out. Where there is no Chromium, these tests say so and check nothing.

use std::process::Command;

use serde_json::{Value, json};

use crate::{process::Workspace, with_receipt, write_edited};

/// A page that shows `report.html` in a frame of a given width, and says how it looks there.
const FRAME: &str = include_str!("frame.html");

fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    names.into_iter().find(runs)
}

/// How the page looks in a frame so wide, in the dark scheme or the light one. None without a browser.
fn look(workspace: &Workspace, width: u32, is_dark: bool) -> Option<Value> {
    let Some(chromium) = chromium() else {
        eprintln!("SKIPPED: there is no Chromium");
        return None;
    };
    workspace.write("frame.html", FRAME.replace("WIDTH", &width.to_string()));
    let profile = workspace.path("profile");
    let scheme = if is_dark { 0 } else { 1 };
    let output = Command::new(chromium)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
        ])
        .args(["--allow-file-access-from-files", "--window-size=1600,1200"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("file://{}", workspace.path("frame.html").display()))
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let found = shown.split_once(r#"<pre id="found">"#);
    let found = found.and_then(|(_, rest)| rest.split_once("</pre>"));
    let (found, _) = found.unwrap_or_else(|| panic!("{shown}"));
    Some(serde_json::from_str(found).unwrap())
}

#[test]
fn a_page_fits_onto_phones_and_desktops_and_has_two_schemes() {
    let workspace = with_receipt();
    write_edited(&workspace, "other.json", |r| {
        r["evidence"]["read_bandwidth"] = json!(13_300_000_000u64);
        r["host"]["cpu_model"] = json!("W".repeat(100));
    });
    let words = "report r.json other.json --no-replay --quiet";
    workspace.run(words).exits(0);
    let mut papers = Vec::new();
    for (width, is_dark) in [(400, false), (400, true), (1280, false), (1280, true)] {
        let Some(found) = look(&workspace, width, is_dark) else {
            return;
        };
        let shown = found["width"].as_u64().unwrap();
        assert!(shown <= u64::from(width), "{shown} of {width} pixels");
        let numbers = |key: &str| {
            let list = found[key].as_array().unwrap();
            list.iter().map(|n| n.as_f64().unwrap()).collect::<Vec<_>>()
        };
        assert!(numbers("charts").iter().all(|w| *w >= 320.0), "{found}");
        assert!(
            numbers("small").iter().all(|height| *height >= 9.0),
            "{found}"
        );
        assert_eq!(found["outside"], json!([]), "text outside of its chart");
        papers.push((found["paper"].clone(), found["line"].clone()));
    }
    assert_ne!(papers[0].0, papers[1].0);
    assert_ne!(papers[0].1, papers[1].1);
    assert_eq!(papers[..2], papers[2..]);
}
