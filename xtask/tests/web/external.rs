//! Receipts of other engines, on a model whose tolerance is its own: that of the built-in one is the most there is.

use serde_json::Value;
use xtask::selftest::forge::as_external;

use crate::{
    page::{browser, check, open, text, verdict},
    process::Workspace,
};

#[test]
fn the_page_measures_the_tolerance_that_the_command_measures() {
    let Some(browser) = browser() else { return };
    let workspace = Workspace::new();
    let steady = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny-rust.gguf");
    std::fs::copy(steady, workspace.path("models/tiny-rust.gguf")).unwrap();
    for kv_type in ["f16", "f32"] {
        let words = format!(
            "benchmark --model models/tiny-rust.gguf --tokens 8 --prompt-tokens 4 --repetitions 2 --kv-type {kv_type} \
             --quiet --output r.json"
        );
        workspace.run(&words).exits(0);
        let mut receipt: Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
        as_external(&mut receipt);
        workspace.write("r.json", receipt.to_string());
        let words = "verify-receipt r.json --model models/tiny-rust.gguf --format json --quiet";
        let of_command = workspace.run(words).exits(0).json();
        let tab = open(&browser);
        tab.choose("#model", &[&workspace.path("models/tiny-rust.gguf")]);
        check(&tab, &workspace.path("r.json"));
        let of_page = verdict(&tab);
        assert_eq!(of_page["judgement"], of_command["judgement"], "{kv_type}");
        let tolerance = of_page["judgement"]["tolerance"].as_f64().unwrap();
        assert!((0.0..0.5).contains(&tolerance), "{tolerance}");
        assert_eq!(text(&tab, "run-title"), "Consistent with the replay here");
    }
}
