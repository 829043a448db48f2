//! A receipt that was tampered with is refused, by the rule that is there for it.
//!
//! Every field of a genuine receipt is edited in every small way, see [`edits`]. [`expectations`]
//! says which rule must catch each edit when the forger recomputes `receipt_sha256`, and which
//! few fields nobody can check.

mod bundles;
mod ceilings;
mod claims;
mod edits;
mod expectations;
mod external;
#[path = "../support/specification.rs"]
mod fields;
mod floors;
mod forgeries;
mod freshness;
mod genuine;
mod grouped;
mod json_schema;
mod machines;
mod malformed;
mod older_schema;
mod policy;
mod screened;
mod shapes;
mod size;
mod specification;
mod steps;
mod witnesses;

use std::thread;

use edits::{Edit, Kind};
use expectations::Expect;
use genuine::{
    EXTERNAL, GENUINE, GENUINE_BYTES, assert_accepted, assert_only_unreplayed, replayed, rules,
    seal, verify, verify_with_replay,
};
use host::verify::{Conclusion, Outcome, Replayed};
use serde_json::Value;

#[test]
fn the_genuine_receipt_is_accepted() {
    for bytes in [&GENUINE_BYTES[..], GENUINE.to_string().as_bytes()] {
        let verdict = verify_with_replay(bytes).unwrap();
        assert_accepted(&verdict);
        assert_eq!(
            verdict.tokens,
            "proved by a replay, bit for bit (6 positions)"
        );
        assert_eq!(verdict.replayed, Replayed::Everything);
        assert!(verdict.rules.iter().all(|r| r.outcome == Outcome::Pass));
        let text = verdict.to_text("r.json");
        let n = verdict.rules.len();
        let first = format!("accepted: r.json ({n} rules hold)\n");
        assert!(text.starts_with(&first), "{text}");
    }
}

#[test]
fn the_genuine_receipt_is_unverifiable_until_it_is_replayed() {
    let verdict = verify(&GENUINE_BYTES).unwrap();
    assert_only_unreplayed(&verdict);
    let n = verdict.rules.len() - 1;
    let first = format!("unverifiable: r.json ({n} rules hold; tokens not replayed)\n");
    let text = verdict.to_text("r.json");
    assert!(text.starts_with(&first), "{text}");
}

#[test]
fn without_a_new_digest_every_edit_is_caught_by_it() {
    for edit in edits::all(&GENUINE) {
        let place = (&edit.path, edit.kind);
        let Ok(verdict) = verify(edit.document.to_string().as_bytes()) else {
            // Without a version it is no receipt, and nothing in it is looked at.
            assert!(
                edit.document["schema_version"].as_str().is_none(),
                "{place:?}"
            );
            continue;
        };
        let failed = rules(&verdict, Outcome::Fail);
        // Of another version's fields nothing is known, not even the digest.
        let is_of_another = rules(&verdict, Outcome::Unverifiable) == ["schema_version"];
        assert_eq!(
            is_of_another,
            ["schema_version", "receipt_schema"].contains(&&edit.path[..]),
            "{place:?}"
        );
        let expected = match is_of_another {
            true => Conclusion::Unverifiable,
            false => Conclusion::Rejected,
        };
        assert_eq!(verdict.conclusion, expected, "{place:?} {failed:?}");
        assert_eq!(
            failed.contains(&"receipt_sha256"),
            !is_of_another,
            "{place:?} {failed:?}"
        );
    }
}

#[test]
fn with_a_new_digest_every_edit_is_caught_by_the_rule_that_is_there_for_it() {
    every_edit_is_caught(&GENUINE);
}

/// Has every edit of a genuine receipt verified.
fn every_edit_is_caught(genuine: &Value) {
    let edits = edits::all(genuine);
    // Two processors are what the smallest machines have.
    let (first, second) = edits.split_at(edits.len() / 2);
    let wrong: Vec<String> = thread::scope(|scope| {
        let half = scope.spawn(|| unmet(first));
        let mut wrong = unmet(second);
        wrong.extend(half.join().unwrap());
        wrong
    });
    assert!(
        wrong.is_empty(),
        "{} edits:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Descriptions of the edits of which something else becomes than the table says.
fn unmet(edits: &[Edit]) -> Vec<String> {
    edits.iter().filter_map(surprise).collect()
}

fn surprise(edit: &Edit) -> Option<String> {
    let Some(expect) = expectations::of(edit) else {
        return Some(format!("{}: no row in the table", edit.path));
    };
    let mut receipt = edit.document.clone();
    if edit.path != "receipt_sha256" {
        seal(&mut receipt);
    }
    let verdict = verify_with_replay(receipt.to_string().as_bytes());
    let found = match verdict {
        Ok(verdict) if !expect.is_met(&verdict) => format!(
            "{:?} with {:?} broken and {:?} open",
            verdict.conclusion,
            rules(&verdict, Outcome::Fail),
            rules(&verdict, Outcome::Unverifiable)
        ),
        Err(error) if !matches!(expect, Expect::NotAReceipt) => error.to_string(),
        Ok(_) | Err(_) => return None,
    };
    let (path, kind) = (&edit.path, edit.kind);
    Some(format!(
        "{path} {kind:?}: expected {expect:?}, found {found}"
    ))
}

#[test]
fn every_row_of_the_table_is_about_a_field_that_exists() {
    for (genuine, table) in [
        (&*GENUINE, expectations::TABLE),
        (&*EXTERNAL, expectations::EXTERNAL_TABLE),
    ] {
        let edits = edits::all(genuine);
        for (pattern, ..) in table {
            let is_used = edits
                .iter()
                .any(|e| expectations::describes(pattern, &e.path));
            assert!(is_used, "no field is called {pattern}");
        }
    }
}

/// The walk reaches all fields: one that it left out would be in no table.
#[test]
fn the_edits_reach_every_kind_of_field() {
    let edits = edits::all(&GENUINE);
    for (path, kind) in [
        ("tokens.*", Kind::Up),
        ("samples.decode_ns.*.*", Kind::Down),
        ("kernel_ledger.*.calls", Kind::Zero),
        ("parity.checksum", Kind::Digit),
        ("model.weight_types.*.type", Kind::Longer),
        ("run.prompt", Kind::Added),
        ("receipt_sha256", Kind::Removed),
    ] {
        let found = edits.iter().any(|e| e.path == path && e.kind == kind);
        assert!(found, "no edit {kind:?} of {path}");
    }
    assert!(edits.len() > 1000, "found {}", edits.len());
}

/// The table can fail: an edit that a rule catches is not [`Expect::Unchecked`].
#[test]
fn an_expectation_can_be_unmet() {
    let edits = edits::all(&GENUINE);
    let edit = edits.iter().find(|e| e.path == "timing_ms").unwrap();
    let mut receipt = edit.document.clone();
    seal(&mut receipt);
    let verdict = replayed(&receipt);
    assert!(Expect::By(&["timing_ms"]).is_met(&verdict));
    assert!(!Expect::By(&["timing_ms", "backend"]).is_met(&verdict));
    assert!(!Expect::ByOneOf(&["backend"]).is_met(&verdict));
    assert!(!Expect::Unverifiable("timing_ms").is_met(&verdict));
    assert!(!Expect::Noted("timing_ms").is_met(&verdict));
    assert!(!Expect::NotAReceipt.is_met(&verdict));
    assert!(!Expect::Unchecked.is_met(&verdict));
    let verdict = replayed(&GENUINE);
    assert!(Expect::Unchecked.is_met(&verdict));
    assert!(!Expect::Noted("guest_sha256").is_met(&verdict));
}
