//! Statements: exactly ours, whoever signed them.

use host::attest::{CLAIM, PREDICATE_TYPE, Role, STATEMENT_TYPE, Statement};
use serde_json::{Value, json};

/// A statement, with digests of one repeated digit.
fn genuine() -> Value {
    let subject =
        |name: &str, digit: &str| json!({ "name": name, "digest": { "sha256": digit.repeat(64) } });
    json!({
        "_type": STATEMENT_TYPE,
        "subject": [
            subject("receipt", "1"),
            subject("model", "2"),
            subject("binary", "3"),
            subject("guest", "4"),
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "receipt_schema": "1.1.0",
            "transcript_checksum": "5".repeat(64),
            "claim": CLAIM,
        },
    })
}

#[track_caller]
fn assert_refused(payload: impl AsRef<[u8]>, part: &str) {
    let error = Statement::parse(payload.as_ref()).unwrap_err().to_string();
    assert!(error.contains(part), "no {part:?} in: {error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn a_statement_comes_back() {
    let statement = Statement::parse(genuine().to_string().as_bytes()).unwrap();
    for (role, digit) in Role::ALL.into_iter().zip(["1", "2", "3", "4"]) {
        assert_eq!(statement.digest(role).to_string(), digit.repeat(64));
    }
    let payload = statement.to_payload();
    let written: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(written, genuine());
    assert_eq!(Statement::parse(&payload).unwrap(), statement);
}

/// The order of subjects means nothing in in-toto.
#[test]
fn subjects_in_another_order() {
    let mut other = genuine();
    other["subject"].as_array_mut().unwrap().reverse();
    let statement = Statement::parse(other.to_string().as_bytes()).unwrap();
    assert_eq!(statement.digest(Role::Receipt).to_string(), "1".repeat(64));
}

#[test]
fn other_types_and_other_claims() {
    for (pointer, value, part) in [
        (
            "/_type",
            json!("https://in-toto.io/Statement/v0.1"),
            "_type: found",
        ),
        ("/_type", json!(1), "_type: found 1"),
        (
            "/predicateType",
            json!("https://slsa.dev/provenance/v1"),
            "predicateType: found",
        ),
        (
            "/predicate/claim",
            json!("This machine is the fastest."),
            "claim: found",
        ),
        (
            "/predicate/transcript_checksum",
            json!("55"),
            "not a statement",
        ),
        ("/predicate", json!({}), "missing field"),
        ("/predicate", json!(null), "not a statement"),
    ] {
        let mut other = genuine();
        *other.pointer_mut(pointer).unwrap() = value;
        assert_refused(other.to_string(), part);
    }
}

#[test]
fn other_subjects() {
    let with = |edit: &dyn Fn(&mut Vec<Value>)| {
        let mut other = genuine();
        edit(other["subject"].as_array_mut().unwrap());
        other.to_string()
    };
    assert_refused(with(&|s| s.clear()), "found 0 named Receipt");
    assert_refused(with(&|s| drop(s.pop())), "found 0 named Guest");
    assert_refused(with(&|s| s.push(s[1].clone())), "found 2 named Model");
    let unknown = json!({ "name": "weights", "digest": { "sha256": "6".repeat(64) } });
    assert_refused(
        with(&|s| s.push(unknown.clone())),
        "unknown variant `weights`",
    );
    assert_refused(with(&|s| s[0]["digest"] = json!({})), "missing field");
    assert_refused(
        with(&|s| s[0]["digest"] = json!({ "sha1": "ab" })),
        "unknown field",
    );
    assert_refused(with(&|s| s[0]["uri"] = json!("file:x")), "unknown field");
}

#[test]
fn hostile_payloads() {
    let text = genuine().to_string();
    assert_refused("", "not a statement");
    assert_refused(b"\xff", "not a statement");
    assert_refused("[]", "_type: found nothing");
    assert_refused("[".repeat(40_000), "recursion limit");
    assert_refused(
        text.replacen("\"subject\":", "\"subject\":[],\"subject\":", 1),
        "duplicate field",
    );
    assert_refused(
        text.replacen("\"claim\":", "\"claim\":\"x\",\"claim\":", 1),
        "duplicate field",
    );
    assert_refused(
        text.replacen("\"subject\":", "\"more\":1,\"subject\":", 1),
        "unknown field",
    );
    assert_refused(text + "{}", "trailing characters");
}
