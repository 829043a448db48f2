//! A receipt that was tampered with is refused, by the rule that is there for it.
//!
//! Every field of a genuine receipt is edited in every small way, see [`edits`]. [`expectations`]
//! says which rule must catch each edit when the forger recomputes `receipt_sha256`, and which
//! few fields nobody can check.

mod bundles;
mod claims;
mod edits;
mod expectations;
#[path = "../support/specification.rs"]
mod fields;
mod forgeries;
mod freshness;
mod genuine;
mod json_schema;
mod malformed;
mod policy;
mod screened;
mod shapes;
mod size;
mod specification;

use std::thread;

use edits::{Edit, Kind};
use expectations::Expect;
use genuine::{GENUINE, GENUINE_BYTES, replayed, rules, seal, verify, verify_with_replay};
use host::verify::{Conclusion, Outcome};

#[test]
fn the_genuine_receipt_is_accepted() {
    for bytes in [&GENUINE_BYTES[..], GENUINE.to_string().as_bytes()] {
        let verdict = verify_with_replay(bytes).unwrap();
        assert_eq!(verdict.conclusion, Conclusion::Accepted, "{verdict:?}");
        assert_eq!(verdict.tokens, "proved (6 positions)");
        assert!(
            verdict.speed.contains(" tokens/s, claimed by "),
            "{verdict:?}"
        );
        assert!(verdict.rules.iter().all(|r| r.outcome == Outcome::Pass));
    }
}

#[test]
fn without_a_new_digest_every_edit_is_caught_by_it() {
    for edit in edits::all(&GENUINE) {
        let verdict = verify(edit.document.to_string().as_bytes()).unwrap();
        let failed = rules(&verdict, Outcome::Fail);
        let place = (&edit.path, edit.kind, &failed);
        assert_eq!(verdict.conclusion, Conclusion::Rejected, "{place:?}");
        // Of another version's fields nothing is known, not even the digest.
        let of_this_version = edit.path != "schema_version" && !failed.contains(&"schema_version");
        assert_eq!(
            failed.contains(&"receipt_sha256"),
            of_this_version,
            "{place:?}"
        );
    }
}

#[test]
fn with_a_new_digest_every_edit_is_caught_by_the_rule_that_is_there_for_it() {
    let edits = edits::all(&GENUINE);
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
    let verdict = replayed(&receipt);
    let met = expect.is_met(&verdict);
    (!met).then(|| {
        format!(
            "{} {:?}: expected {expect:?}, found {:?} with {:?} broken",
            edit.path,
            edit.kind,
            verdict.conclusion,
            rules(&verdict, Outcome::Fail)
        )
    })
}

#[test]
fn every_row_of_the_table_is_about_a_field_that_exists() {
    let edits = edits::all(&GENUINE);
    for (pattern, ..) in expectations::TABLE {
        let is_used = edits
            .iter()
            .any(|e| expectations::describes(pattern, &e.path));
        assert!(is_used, "no field is called {pattern}");
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
    assert!(!Expect::Unchecked.is_met(&verdict));
}
