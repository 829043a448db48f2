//! A challenge proves that a run is younger than it: neither another run nor another challenge fits.

use std::sync::LazyLock;

use host::{
    task::seeded_prompt,
    verify::{Checked, Conclusion, Outcome, Verdict},
};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, assert_accepted, assert_only_unreplayed, assert_rejected_by, benchmarked, edited,
    replayed, rules, seal, with_replay,
};

const CHALLENGE: &str = "c0ffee00";

/// A genuine receipt of a run that answers [`CHALLENGE`].
static FRESH: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&benchmarked(&["--challenge", CHALLENGE])).unwrap());

/// The verdict of `verify-receipt --challenge chosen --no-replay`.
fn challenged(receipt: &Value, chosen: &str) -> Verdict {
    let mut checked = Checked::read(receipt.to_string().as_bytes()).unwrap();
    checked.with_challenge(Some(&chosen.parse().unwrap()));
    checked.verdict()
}

/// The verdict of `verify-receipt --challenge chosen`.
fn challenged_and_replayed(receipt: &Value, chosen: &str) -> Verdict {
    let mut checked = Checked::read(receipt.to_string().as_bytes()).unwrap();
    checked.with_challenge(Some(&chosen.parse().unwrap()));
    with_replay(&mut checked);
    checked.verdict()
}

fn fresh_but(edit: impl FnOnce(&mut Value)) -> Value {
    let mut receipt = FRESH.clone();
    edit(&mut receipt);
    seal(&mut receipt);
    receipt
}

#[test]
fn the_right_challenge_is_accepted_and_any_other_refused() {
    assert_accepted(&replayed(&FRESH));
    assert_only_unreplayed(&challenged(&FRESH, CHALLENGE));
    let verdict = challenged_and_replayed(&FRESH, CHALLENGE);
    assert_accepted(&verdict);
    assert!(rules(&verdict, Outcome::Pass).contains(&"challenge"));
    for other in ["c0ffee", "c0ffee01", "c0ffee0000"] {
        assert_rejected_by(&challenged(&FRESH, other), &["challenge"]);
    }
    assert_rejected_by(&challenged(&GENUINE, CHALLENGE), &["challenge"]);
}

#[test]
fn a_challenge_that_nobody_here_chose_is_shown() {
    let mut checked = Checked::read(FRESH.to_string().as_bytes()).unwrap();
    checked.with_challenge(None);
    with_replay(&mut checked);
    let verdict = checked.verdict();
    assert_accepted(&verdict);
    assert_eq!(rules(&verdict, Outcome::Note), ["challenge"]);
    let shown = verdict.rules.iter().any(|r| r.evidence.contains(CHALLENGE));
    assert!(shown, "{verdict:?}");
}

/// The seed stays the same: only the challenge makes the prompt another one.
#[test]
fn a_challenge_gives_another_prompt_and_other_evidence() {
    assert_eq!(FRESH["run"]["prompt"], GENUINE["run"]["prompt"]);
    assert_ne!(FRESH["run"]["prompt_ids"], GENUINE["run"]["prompt_ids"]);
    assert_ne!(FRESH["parity"]["checksum"], GENUINE["parity"]["checksum"]);
}

/// An old run with a challenge written in: the prompt does not follow from it.
#[test]
fn a_challenge_put_into_an_old_receipt() {
    let forged = edited(|r| r["run"]["challenge"] = json!(CHALLENGE));
    assert_rejected_by(&challenged(&forged, CHALLENGE), &["prompt"]);
    let other = fresh_but(|r| r["run"]["challenge"] = json!("c0ffee01"));
    assert_rejected_by(&challenged(&other, "c0ffee01"), &["prompt"]);
}

/// The prompt derived anew as well: nobody ran the model on it.
#[test]
fn a_prompt_of_the_challenge_under_an_old_run() {
    let forged = edited(|r| {
        let challenge = CHALLENGE.parse().unwrap();
        r["run"]["challenge"] = json!(CHALLENGE);
        r["run"]["prompt_ids"] = json!(seeded_prompt(42, Some(&challenge), 4, 512));
    });
    assert_only_unreplayed(&challenged(&forged, CHALLENGE));
    let verdict = challenged_and_replayed(&forged, CHALLENGE);
    let failed = rules(&verdict, Outcome::Fail);
    assert!(failed.contains(&"parity_checksum"), "{failed:?}");
}

/// The same tokens under another start of the transcript: only the checksum can tell.
#[test]
fn a_prompt_that_does_not_follow_from_the_challenge() {
    let as_ids = fresh_but(|r| r["run"]["prompt"] = json!({ "kind": "ids" }));
    assert_rejected_by(&challenged(&as_ids, CHALLENGE), &["prompt"]);
    let without = fresh_but(|r| {
        r["run"]["prompt"] = json!({ "kind": "ids" });
        r["run"]["challenge"] = Value::Null;
    });
    assert_rejected_by(&replayed(&without), &["parity_checksum"]);
}

#[test]
fn what_is_no_challenge_breaks_the_schema() {
    let long = "ab".repeat(65);
    for text in ["", "c", "C0", "0x00", "c0 ff", &long] {
        let forged = fresh_but(|r| r["run"]["challenge"] = json!(text));
        let verdict = replayed(&forged);
        assert_eq!(verdict.conclusion, Conclusion::Rejected, "{text:?}");
        let failed = rules(&verdict, Outcome::Fail);
        assert!(failed.contains(&"schema"), "{text:?}: {failed:?}");
    }
}
