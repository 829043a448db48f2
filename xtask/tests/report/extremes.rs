//! Pages of receipts that nobody would expect, and of hostile ones.

use serde_json::json;

use crate::{page, with_receipt, write_edited};

#[test]
fn one_token_and_one_repetition() {
    let workspace = with_receipt();
    workspace
        .run("benchmark -n 1 -p 1 -r 1 --quiet --output one.json")
        .exits(0);
    let page = page(&workspace, "one.json", 0);
    let expected = ["Prefill and decode of each repetition", "Roofline"];
    assert_eq!(page.figures(), expected);
    assert!(
        page.text.contains("one repetition: no spread"),
        "{}",
        page.text
    );
}

/// A clock that stands still, or a liar.
#[test]
fn steps_without_any_variance() {
    let workspace = with_receipt();
    for ns in [1, 50_000, (1u64 << 53) - 1] {
        write_edited(&workspace, "flat.json", |r| {
            r["samples"]["decode_ns"] = json!(vec![vec![ns; 15]; 3]);
        });
        let page = page(&workspace, "flat.json --no-replay", 1);
        assert_eq!(page.figures().len(), 4, "{ns}");
        assert!(
            !page.text.contains("NaN") && !page.text.contains("inf"),
            "{}",
            page.text
        );
    }
}

/// Nothing fits together; there is a page, and it says so.
#[test]
fn times_of_zero_and_lists_of_other_lengths() {
    let workspace = with_receipt();
    write_edited(&workspace, "zero.json", |r| {
        let steps: [&[u64]; 3] = [&[0; 15], &[], &[1]];
        r["samples"]["decode_ns"] = json!(steps);
        r["samples"]["prefill_ns"] = json!([0, 0]);
        r["tokens_per_sec"] = json!(0);
        r["prefill_tokens_per_sec"] = json!(1e308);
        r["run"]["tokens"] = json!(0);
        r["run"]["prompt_ids"] = json!([]);
        r["run"]["threads"] = json!(0);
    });
    let page = page(&workspace, "zero.json r.json --no-replay", 1);
    assert!(page.by_class("lead").text.contains("✗ rejected"));
    let in_words = page
        .all("figcaption")
        .map(|e| &e.text[..])
        .collect::<String>();
    assert!(
        !in_words.contains("NaN") && !in_words.contains("inf "),
        "{in_words}"
    );
}

#[test]
fn a_hundred_thousand_steps_are_a_small_page() {
    let workspace = with_receipt();
    write_edited(&workspace, "long.json", |r| {
        let steps: Vec<u64> = (0..100_000).map(|i| 50_000 + i % 4_001 + i / 5).collect();
        r["samples"]["decode_ns"] = json!([steps]);
        r["samples"]["prefill_ns"] = json!([1_000_000]);
    });
    let page = page(&workspace, "long.json --no-replay", 1);
    assert_eq!(page.figures().len(), 4);
    assert!(page.bytes < 200_000, "{} bytes", page.bytes);
    let caption = &page.by_id("r1-distribution-text").text;
    assert!(
        caption.starts_with("100,000 steps of all repetitions"),
        "{caption}"
    );
}

/// What strangers write stays text, on its line, wherever it is shown.
#[test]
fn strings_of_strangers_are_text() {
    let workspace = with_receipt();
    let evil = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u{202e}";
    let edit = |tokens: u64| {
        move |r: &mut serde_json::Value| {
            for pointer in [
                "/host/cpu_model",
                "/host/os",
                "/host/kernel",
                "/model/file_name",
                "/model/architecture",
                "/created",
                "/build/git_commit",
                "/build/profile",
                "/run/kv_type",
            ] {
                *r.pointer_mut(pointer).unwrap() = json!(evil);
            }
            r["host"]["cpu_features"] = json!([evil]);
            r["kernels"] = json!([evil]);
            r["run"]["tokens"] = json!(tokens);
        }
    };
    let names = ["<b>&'.json", "\"><script>.json"];
    for (name, tokens) in names.iter().zip([16, 17]) {
        write_edited(&workspace, name, edit(tokens));
    }
    let page = page(&workspace, &format!("{} --no-replay", names.join(" ")), 1);
    assert!(
        page.text.contains("<script>alert(1)</script>"),
        "{}",
        page.text
    );
    assert!(page.text.contains("<b>&'.json"), "{}", page.text);
    assert!(!page.text.contains('\u{202e}'));
    // In the command to paste, the name is one word.
    assert!(
        page.text.contains("verify-receipt './<b>&'\\''.json'"),
        "{}",
        page.text
    );
}
