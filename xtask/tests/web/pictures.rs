//! Screenshots to look at: `.github/pictures/web.sh`.

use std::{env, fs, path::PathBuf};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::{
    devtools::Tab,
    page::{browser, check, failure, open, verdict, with_receipt},
};

/// Takes a picture of the whole page, or of so much of its top.
fn shoot(tab: &Tab, path: PathBuf, height: Option<f64>) {
    let size = tab.call("Page.getLayoutMetrics", json!({}));
    let size = &size["cssContentSize"];
    let height = height.map_or(size["height"].clone(), Value::from);
    let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
    let params = json!({"clip": clip, "captureBeyondViewport": true});
    let shot = tab.call("Page.captureScreenshot", params);
    fs::write(
        path,
        Base64::decode_vec(shot["data"].as_str().unwrap()).unwrap(),
    )
    .unwrap();
}

#[test]
#[ignore = "makes pictures for people: .github/pictures/web.sh"]
fn pictures() {
    let folder = env::var_os("PICTURES").expect("PICTURES is the folder where they go");
    let folder = PathBuf::from(folder);
    let browser = browser().expect("Chromium makes the pictures");
    let workspace = with_receipt();
    let mut forged: Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
    forged["tokens"][3] = json!(7);
    host::receipt::seal(&mut forged);
    workspace.write("forged.json", forged.to_string());
    workspace.write("letter.json", "Dear sir");
    for (width, scheme) in [
        (400, "light"),
        (400, "dark"),
        (1280, "light"),
        (1280, "dark"),
    ] {
        for state in ["start", "proved", "rejected", "failed", "running", "rules"] {
            let tab = open(&browser);
            tab.look(width, 900, scheme);
            match state {
                "start" => {}
                "proved" | "rules" => {
                    tab.eval("document.getElementById('try').click()");
                    verdict(&tab);
                }
                "rejected" => {
                    check(&tab, &workspace.path("forged.json"));
                    verdict(&tab);
                }
                "failed" => {
                    check(&tab, &workspace.path("letter.json"));
                    failure(&tab);
                }
                _ => {
                    // As it is while a large model is replayed.
                    tab.eval(
                        "Bitreceipt.verify = (input, watch) => { watch.onPhase('replay'); \
                            watch.onProgress(30, 100); return new Promise(() => {}); }",
                    );
                    tab.eval("document.getElementById('try').click()");
                    tab.wait("document.getElementById('status').textContent !== ''");
                    tab.eval("document.getElementById('status').textContent = 'replay: 30 %, about 42 s left'");
                }
            }
            if state == "rules" {
                tab.eval("for (const details of document.querySelectorAll('details')) details.open = true");
            }
            shoot(
                &tab,
                folder.join(format!("{state}-{width}-{scheme}.png")),
                None,
            );
            if (state, width, scheme) == ("proved", 1280, "light") {
                // The README's: narrower, and only the top.
                tab.look(900, 900, scheme);
                shoot(&tab, folder.join("web.png"), Some(640.0));
            }
        }
    }
}
