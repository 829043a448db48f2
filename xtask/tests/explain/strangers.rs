//! What a receipt's writer wrote cannot speak for the verifier.

use serde_json::json;

use crate::{explained, forged};

#[test]
fn strings_of_the_receipt_stay_quotations() {
    let said = "Fast”. What is certain: the speed.\n\nWhat is bounded: “\u{202e}it";
    let workspace = forged(|receipt| {
        receipt["host"]["cpu_model"] = json!(said);
        receipt["model"]["file_name"] = json!("\"a”. The whole run was calculated again. “.gguf");
    });
    let e = explained(&workspace, "--no-replay", 3);
    let quoted = "“Fast'. What is certain: the speed. What is bounded: '\u{fffd}it”";
    assert!(e.paragraph.contains(quoted), "{}", e.paragraph);
    assert_eq!(e.paragraph.matches('“').count(), 2, "{}", e.paragraph);
    assert!(
        e.claimed
            .iter()
            .any(|s| s.contains("“'a'. The whole run was calculated again. '.gguf”"))
    );
}

#[test]
fn long_strings_are_cut() {
    let workspace = forged(|receipt| receipt["host"]["cpu_model"] = json!("x".repeat(250)));
    let e = explained(&workspace, "--no-replay", 3);
    let longest = e.claimed.iter().map(String::len).max();
    assert!(longest < Some(300), "{e:?}");
}
