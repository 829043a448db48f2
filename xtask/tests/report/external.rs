//! What a page says of another engine's receipt.

use serde_json::{Value, json};
use xtask::selftest::forge::as_external;

use crate::{page, process::Workspace, with_receipt, write_edited};

/// A folder with the genuine receipt as `r.json`, and that of another engine with the same tokens as
/// `other.json`, after an edit.
fn workspace(edit: impl FnOnce(&mut Value)) -> Workspace {
    let workspace = with_receipt();
    write_edited(&workspace, "other.json", |receipt| {
        as_external(receipt);
        edit(receipt);
    });
    workspace
}

#[test]
fn one_that_is_consistent_is_drawn_and_not_called_proved() {
    let page = page(&workspace(|_| ()), "other.json", 0);
    let lead = &page.by_class("lead").text;
    assert!(lead.contains("tokens/s decoded claimed"), "{lead}");
    let proof = &page.by_class("proof").text;
    assert!(proof.contains("TokensConsistent"), "{proof}");
    assert!(page.figures().contains(&"Distribution of step times"));
}

/// The times of wrong tokens say nothing about an engine, so no place of the page has them.
#[test]
fn one_that_is_rejected_has_no_rate_and_no_chart() {
    let workspace = workspace(|r| r["tokens"][1] = json!(7));
    let alone = page(&workspace, "other.json", 1);
    let lead = &alone.by_class("lead").text;
    assert!(
        lead.starts_with("no speed: the receipt is rejected"),
        "{lead}"
    );
    assert!(!alone.text.contains("tokens/s"), "{}", alone.text);
    assert!(alone.figures().is_empty(), "{:?}", alone.figures());
    let beside = page(&workspace, "r.json other.json", 1);
    let overview = beside.by_class("numbers");
    let row = overview.text.split_once("2. other.json").unwrap().1;
    assert!(row.starts_with("✗ rejectedtiny.gguf"), "{row}");
    assert!(row.contains("tg16 @ d8––other, "), "{row}");
}

/// It may choose otherwise where two tokens are tied, so two lists of tokens can both be right.
#[test]
fn one_with_other_tokens_is_not_called_wrong_for_that() {
    let same = workspace(|_| ());
    let both = page(&same, "r.json other.json", 0);
    let text = "Receipts 1, 2 are of one task (pp8 + tg16 @ d8). ✓ They have the same tokens.";
    assert!(both.text.contains(text), "{}", both.text);
    let tied = workspace(|r| {
        r["tokens"][1] = json!(7);
        r["parity"]["checksum"] = json!("0".repeat(64));
        r["parity"]["reference_checksum"] = json!("0".repeat(64));
    });
    let both = page(&tied, "r.json other.json --no-replay", 0);
    assert!(both.text.contains("Their tokens differ. "), "{}", both.text);
    assert!(!both.text.contains("not all of them can be right"));
}
