//! Workers that do not speak about the same run, or do not agree on it.

use serde_json::{Value, json};

use crate::{WORKERS, another_receipt, merge, merge_with, set_outcome, with_edit, worker};

/// The merge is open because of `what`.
#[track_caller]
fn is_open(verdicts: &[Value], what: &str) {
    let ran = merge(verdicts).exits(3);
    let line = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("  open merge_same: "));
    let line = line.unwrap_or_else(|| panic!("no merge_same in:\n{}", ran.stdout));
    assert!(line.contains(what), "{line}");
}

#[test]
fn parts_of_different_receipts_prove_none() {
    // The same tokens, checksum and model: only the receipt is another one.
    let other = another_receipt(|r| r["created"] = json!("2026-02-01T00:00:00Z"));
    let heads = worker(&other, "--heads");
    assert_eq!(heads["conclusion"], "accepted");
    let [a, b, _] = WORKERS.clone();
    is_open(
        &[a.clone(), b.clone(), heads.clone()],
        "w3.json has the receipt ",
    );
    is_open(&[heads, a, b], "w2.json has the receipt ");
}

#[test]
fn workers_have_one_model_checksum_guest_and_policy() {
    let zeros = json!("0".repeat(64));
    let edits: [(&str, &str); 6] = [
        ("/receipt/receipt_sha256", "the receipt 000"),
        ("/receipt/model/sha256", "the model 000"),
        ("/receipt/checksum", "the checksum 000"),
        ("/guest_sha256", "the guest 000"),
        (
            "/audit/covered/n_layers",
            "the number of layers 7, w1.json has 6",
        ),
        ("/verifier/id", "the verifier 000"),
    ];
    for (field, what) in edits {
        let value = match field.ends_with("n_layers") {
            true => json!(7),
            false => zeros.clone(),
        };
        is_open(
            &with_edit(|verdict| *verdict.pointer_mut(field).unwrap() = value),
            &format!("w3.json has {what}"),
        );
    }
    let policy = json!({ "digest": { "sha256": zeros } });
    is_open(
        &with_edit(|verdict| verdict["verifier"]["policy"] = policy),
        "w3.json has the policy ",
    );
    let without_guest = with_edit(|verdict| {
        verdict.as_object_mut().unwrap().remove("guest_sha256");
    });
    is_open(&without_guest, "w3.json: found no guest");
}

/// A receipt that a worker rejects is rejected, whatever the others found.
#[test]
fn a_rejected_part_rejects_the_run() {
    let forged = another_receipt(|r| r["tokens_per_sec"] = json!(1e6));
    let parts = ["--layers 0..6", "--heads"].map(|part| worker(&forged, part));
    let ran = merge(&parts).exits(1);
    assert!(ran.stdout.starts_with("rejected: "), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("  FAIL tokens_per_sec: w1.json: found "),
        "{}",
        ran.stdout
    );

    // Two have the layer 2, and one of them says that it is wrong.
    let mut verdicts = WORKERS.to_vec();
    verdicts[1]["conclusion"] = json!("rejected");
    set_outcome(&mut verdicts[1], "audit_units", "fail");
    let merged = merge_with(&verdicts, "--format json").exits(1).json();
    assert_eq!(merged["conclusion"], "rejected");
    assert_eq!(merged["replayed"], "layers");
    let ran = merge(&verdicts).exits(1);
    assert!(
        ran.stdout.contains("  FAIL audit_units: "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("w2.json: nothing (rejected)"),
        "{}",
        ran.stdout
    );
}

/// A native run elsewhere had another transcript: nobody knows which one is right.
#[test]
fn an_open_rule_of_one_worker_stays_open() {
    let verdicts = with_edit(|verdict| {
        verdict["conclusion"] = json!("unverifiable");
        set_outcome(verdict, "audit_transcript", "unverifiable");
    });
    let mut and_all = WORKERS.to_vec();
    and_all.extend(verdicts);
    let ran = merge(&and_all).exits(3);
    assert!(
        ran.stdout.contains("  open audit_transcript: "),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("merge_complete"), "{}", ran.stdout);
}
