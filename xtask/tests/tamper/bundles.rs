//! A bundle is for the very bytes of one receipt, by one key.

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use host::{
    attest::{CLAIM, Envelope, MAX_BUNDLE_BYTES, PublicKey, Role, SigningKey, Statement},
    digest::Digest,
    receipt::Receipt,
    verify::{Checked, Conclusion, Outcome, Policy, Verdict},
};
use serde_json::{Value, json};

use crate::{
    edits,
    genuine::{
        GENUINE, GENUINE_BYTES, assert_accepted, assert_only_unreplayed, assert_rejected_by,
        edited, rule, rules, seal, with_replay,
    },
};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().unwrap());
static BUNDLE: LazyLock<Vec<u8>> = LazyLock::new(|| signed(&statement(&GENUINE_BYTES), &KEY));

/// The statement about a receipt.
fn statement(receipt: &[u8]) -> Statement {
    let parsed: Receipt = serde_json::from_slice(receipt).unwrap();
    Statement::about(&parsed, receipt, Digest::of(b"a binary")).unwrap()
}

fn signed(statement: &Statement, key: &SigningKey) -> Vec<u8> {
    signed_payload(statement.to_payload(), key)
}

fn signed_payload(payload: Vec<u8>, key: &SigningKey) -> Vec<u8> {
    Envelope::sign(payload, key).to_json().into_bytes()
}

/// The genuine statement with an edit, signed with the right key all the same.
fn signed_lie(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let payload = statement(&GENUINE_BYTES).to_payload();
    let mut statement: Value = serde_json::from_slice(&payload).unwrap();
    edit(&mut statement);
    signed_payload(statement.to_string().into_bytes(), &KEY)
}

/// The verdict of `verify-receipt --bundle --public-key --no-replay`.
fn verify(receipt: &[u8], bundle: &[u8], key: &PublicKey) -> Verdict {
    let mut checked = Checked::read(receipt).unwrap();
    checked.with_bundle(bundle, key);
    checked.verdict()
}

/// The verdict of `verify-receipt --bundle --public-key` on the genuine receipt.
fn replayed_genuine(bundle: &[u8]) -> Verdict {
    let mut checked = Checked::read(&GENUINE_BYTES).unwrap();
    checked.with_bundle(bundle, &KEY.public_key());
    with_replay(&mut checked);
    checked.verdict()
}

fn verify_genuine(bundle: &[u8]) -> Verdict {
    verify(&GENUINE_BYTES, bundle, &KEY.public_key())
}

/// Rejected by this rule, and nobody is said to have signed.
#[track_caller]
fn assert_unsigned(verdict: &Verdict, rule: &str) {
    assert_rejected_by(verdict, &[rule]);
    let signed_by = verdict.signed_by.as_deref().unwrap();
    assert_eq!(signed_by, format!("nobody, as far as is known ({rule})"));
}

#[test]
fn the_genuine_bundle_is_accepted() {
    let verdict = replayed_genuine(&BUNDLE);
    assert_accepted(&verdict);
    assert_eq!(verdict.signed_by, Some(KEY.public_key().id().to_string()));
    // What nobody can check is said to be so.
    assert_eq!(rules(&verdict, Outcome::Note), ["bundle_binary"]);
    let passed = rules(&verdict, Outcome::Pass);
    for rule in [
        "bundle_envelope",
        "bundle_signature",
        "bundle_statement",
        "bundle_receipt",
        "bundle_model",
        "bundle_guest",
    ] {
        assert!(passed.contains(&rule), "{rule} is not among {passed:?}");
    }
}

/// A policy's signer is a key, not any key.
#[test]
fn the_signer_that_a_policy_requires() {
    let other = SigningKey::generate().unwrap().public_key();
    let under = |required: &PublicKey, bundle: Option<&[u8]>| {
        let policy = format!("require.signer = '{}'", required.id());
        let mut checked = Checked::read(&GENUINE_BYTES).unwrap();
        if let Some(bundle) = bundle {
            checked.with_bundle(bundle, &KEY.public_key());
        }
        checked.with_policy(&Policy::read(policy.as_bytes()).unwrap());
        rule(&checked.verdict(), "policy_signer").outcome
    };
    assert_eq!(under(&KEY.public_key(), Some(&BUNDLE)), Outcome::Pass);
    assert_eq!(under(&other, Some(&BUNDLE)), Outcome::Fail);
    assert_eq!(under(&KEY.public_key(), None), Outcome::Unverifiable);
    // A signature that does not hold is nobody's.
    let forged = signed_lie(|s| s["subject"][1]["digest"]["sha256"] = json!("0".repeat(64)));
    assert_eq!(
        under(&KEY.public_key(), Some(&forged)),
        Outcome::Unverifiable
    );
}

/// A signature says who claims the speed. It is no less a claim, and no replay.
#[test]
fn a_signature_proves_neither_tokens_nor_speed() {
    let verdict = verify_genuine(&BUNDLE);
    assert_only_unreplayed(&verdict);
    let text = verdict.to_text("r.json");
    let (_, claims) = text.split_once("not proved, the writer's word:\n").unwrap();
    assert!(claims.starts_with("  tokens/s  "), "{text}");
    let lying = edited(|r| r["tokens_per_sec"] = json!(1e9)).to_string();
    let bundle = signed(&statement(lying.as_bytes()), &KEY);
    let verdict = verify(lying.as_bytes(), &bundle, &KEY.public_key());
    assert_rejected_by(&verdict, &["tokens_per_sec"]);
}

#[test]
fn every_edit_of_the_receipt_is_caught_by_the_old_bundle() {
    let bundle = signed(&statement(GENUINE.to_string().as_bytes()), &KEY);
    for edit in edits::all(&GENUINE) {
        let mut receipt = edit.document;
        seal(&mut receipt);
        let bytes = receipt.to_string();
        if Checked::read(bytes.as_bytes()).is_err() {
            // Without a version it is no receipt, so that nobody asks for its bundle.
            assert!(
                receipt["schema_version"].as_str().is_none(),
                "{}",
                edit.path
            );
            continue;
        }
        let verdict = verify(bytes.as_bytes(), &bundle, &KEY.public_key());
        let failed = rules(&verdict, Outcome::Fail);
        // The digest of the content is its own; one that was edited is put right again.
        let is_genuine = receipt == *GENUINE;
        assert_eq!(
            failed.contains(&"bundle_receipt"),
            !is_genuine,
            "{}",
            edit.path
        );
    }
}

/// White space means nothing to the receipt, and is not what was signed.
#[test]
fn other_bytes_with_the_same_meaning_are_not_what_was_signed() {
    let mut bytes = GENUINE_BYTES.clone();
    bytes.push(b'\n');
    let verdict = verify(&bytes, &BUNDLE, &KEY.public_key());
    assert_unsigned(&verdict, "bundle_receipt");
}

#[test]
fn the_bundle_of_another_receipt() {
    let other = edited(|r| r["created"] = json!("2025-12-31T23:59:59Z"));
    let bundle = signed(&statement(other.to_string().as_bytes()), &KEY);
    assert_unsigned(&verify_genuine(&bundle), "bundle_receipt");
}

#[test]
fn a_bundle_of_an_attacker() {
    let attacker = SigningKey::generate().unwrap();
    let bundle = signed(&statement(&GENUINE_BYTES), &attacker);
    assert_unsigned(&verify_genuine(&bundle), "bundle_signature");
    let mut named: Value = serde_json::from_slice(&bundle).unwrap();
    named["signatures"][0]["keyid"] = json!(KEY.public_key().id().to_string());
    assert_unsigned(
        &verify_genuine(named.to_string().as_bytes()),
        "bundle_signature",
    );
}

/// A payload that was exchanged under a genuine signature.
#[test]
fn an_altered_payload() {
    let other = edited(|r| r["created"] = json!("2025-12-31T23:59:59Z")).to_string();
    let payload = statement(other.as_bytes()).to_payload();
    let mut bundle: Value = serde_json::from_slice(&BUNDLE).unwrap();
    bundle["payload"] = json!(Base64::encode_string(&payload));
    let verdict = verify(
        other.as_bytes(),
        bundle.to_string().as_bytes(),
        &KEY.public_key(),
    );
    assert_unsigned(&verdict, "bundle_signature");
}

/// The signer's own statement has to agree with the receipt.
#[test]
fn a_signers_lies() {
    let index = |role| Role::ALL.iter().position(|r| *r == role).unwrap();
    let of_another = |role| {
        let i = index(role);
        signed_lie(|s| s["subject"][i]["digest"]["sha256"] = json!("ab".repeat(32)))
    };
    assert_unsigned(
        &verify_genuine(&of_another(Role::Receipt)),
        "bundle_receipt",
    );
    assert_unsigned(&verify_genuine(&of_another(Role::Model)), "bundle_model");
    assert_unsigned(&verify_genuine(&of_another(Role::Guest)), "bundle_guest");
    // Nobody can check it.
    assert_accepted(&replayed_genuine(&of_another(Role::Binary)));
    for (key, value) in [
        ("receipt_schema", json!("1.0.0")),
        ("transcript_checksum", json!("ab".repeat(32))),
    ] {
        let lie = signed_lie(|s| s["predicate"][key] = value);
        assert_unsigned(&verify_genuine(&lie), "bundle_receipt");
    }
}

#[test]
fn signed_payloads_that_are_no_statement_of_ours() {
    for payload in [
        "",
        "{}",
        "null",
        "\u{0}",
        &"[".repeat(30_000),
        &"{\"predicate\":".repeat(3_000),
    ] {
        let bundle = signed_payload(payload.as_bytes().to_vec(), &KEY);
        assert_unsigned(&verify_genuine(&bundle), "bundle_statement");
    }
    let bundle = signed_payload(vec![0xff, 0xfe], &KEY);
    assert_unsigned(&verify_genuine(&bundle), "bundle_statement");
    let claim = format!("{CLAIM} It is the fastest there is.");
    for lie in [
        signed_lie(|s| s["predicate"]["claim"] = json!(claim)),
        signed_lie(|s| s["predicateType"] = json!("https://slsa.dev/provenance/v1")),
        signed_lie(|s| s["_type"] = json!("https://in-toto.io/Statement/v0.1")),
        signed_lie(|s| s["subject"][3]["name"] = json!("weights")),
        signed_lie(|s| drop(s["subject"].as_array_mut().unwrap().pop())),
    ] {
        assert_unsigned(&verify_genuine(&lie), "bundle_statement");
    }
}

#[test]
fn bytes_that_are_no_envelope() {
    let mut large = BUNDLE.clone();
    large.resize(MAX_BUNDLE_BYTES as usize + 1, b' ');
    for bytes in [
        &b""[..],
        b"\xff\xfe",
        b"[]",
        b"{}",
        &[0; 4096],
        &BUNDLE[..BUNDLE.len() / 2],
        "[".repeat(60_000).as_bytes(),
        &[&BUNDLE[..], &BUNDLE[..]].concat(),
        &GENUINE_BYTES,
        &large,
    ] {
        assert_unsigned(&verify_genuine(bytes), "bundle_envelope");
    }
}

#[test]
fn what_was_not_replayed_is_not_signed() {
    let mut receipt: Receipt = serde_json::from_slice(&GENUINE_BYTES).unwrap();
    let about = |receipt: &Receipt| Statement::about(receipt, &GENUINE_BYTES, Digest::of(b""));
    assert!(about(&receipt).is_ok());
    receipt.parity.status = host::receipt::ParityStatus::NotChecked;
    assert!(about(&receipt).is_err());
    receipt.parity.guest_sha256 = None;
    assert!(about(&receipt).is_err());
}

/// Nothing is known of its fields, and its bytes are others all the same.
#[test]
fn a_receipt_of_another_schema_is_still_bound_to_its_bundle() {
    let other = edited(|r| r["schema_version"] = json!("9.0.0")).to_string();
    let verdict = verify(other.as_bytes(), &BUNDLE, &KEY.public_key());
    assert_rejected_by(&verdict, &["bundle_receipt"]);
    assert_eq!(rules(&verdict, Outcome::Unverifiable), ["schema_version"]);
    // Under a bundle of its own it is what it is alone: of an unknown version.
    let bundle = signed(&statement(other.as_bytes()), &KEY);
    let verdict = verify(other.as_bytes(), &bundle, &KEY.public_key());
    assert_eq!(verdict.conclusion, Conclusion::Unverifiable);
    assert_eq!(rules(&verdict, Outcome::Unverifiable), ["schema_version"]);
}
