//! Signatures: whose word it is, and no more.

use crate::{PROVED, explained, never_says, says, workspace};

const BUNDLE: &str = "--bundle ci/inference.json.dsse.json --public-key";

#[test]
fn a_signature_says_whose_word_it_is() {
    let workspace = workspace();
    let e = explained(&workspace, &format!("{BUNDLE} my.key.pub"), 0);
    assert_eq!(e.certain[0], PROVED);
    says(
        &e.certain,
        &["Exactly this file was signed by somebody who has the private half of the key"],
    );
    says(
        &e.claimed,
        &["The signature shows whose word this is, not that it is true."],
    );
    never_says(&e.claimed, &["no signature"]);
    // Who said it is known even if it was not calculated again.
    let e = explained(&workspace, &format!("{BUNDLE} my.key.pub --no-replay"), 3);
    says(&e.certain, &["Exactly this file was signed"]);
    never_says(&e.certain, &crate::RECALCULATED);
}

#[test]
fn a_wrong_signature_leaves_nothing() {
    let workspace = workspace();
    let why = "its signature is not a valid one of the given key for this file (rule bundle_";
    let e = explained(&workspace, &format!("{BUNDLE} other.key.pub"), 1);
    says(&e.certain, &[why, "bundle_signature)"]);
    assert!(!e.paragraph.contains("signed by"), "{}", e.paragraph);
    // Of another receipt.
    let e = explained(&workspace, &format!("fresh.json {BUNDLE} my.key.pub"), 1);
    says(&e.certain, &[why, "bundle_receipt)"]);
}
