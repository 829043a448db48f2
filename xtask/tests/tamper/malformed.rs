//! Bytes that are no receipt: an error or a verdict, never a panic.

use host::{
    attest::{Envelope, SigningKey, Statement},
    digest::Digest,
    receipt::{COMMON_SCHEMA, MAX_RECEIPT_BYTES, RECEIPT_SCHEMA, Receipt},
    verify::{Conclusion, Outcome},
};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, GENUINE_BYTES, assert_accepted, assert_only_unreplayed, edited, replayed, rules,
    verify, verify_with_replay,
};

/// The bytes are not JSON, and the error says so in one line.
fn assert_not_json(bytes: &[u8]) {
    let error = verify(bytes).unwrap_err().to_string();
    assert!(error.starts_with("not a receipt: not JSON: "), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

/// JSON, but broken by this rule.
fn assert_broken(text: &str, rule: &str) {
    let verdict = verify(text.as_bytes()).unwrap();
    assert_eq!(verdict.conclusion, Conclusion::Rejected, "{verdict:?}");
    let failed = rules(&verdict, Outcome::Fail);
    assert!(failed.contains(&rule), "{rule} is not among {failed:?}");
}

/// The genuine receipt's text with `from` replaced, which must be there once.
fn replaced(from: &str, to: &str) -> String {
    let text = GENUINE.to_string();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

#[test]
fn every_truncation_is_an_error() {
    let end = GENUINE_BYTES.trim_ascii_end().len();
    for len in (1..end).step_by(7).chain([end - 1]) {
        assert_not_json(&GENUINE_BYTES[..len]);
    }
}

/// Whatever one byte becomes: an error, a rejection or another version, but for the replay.
#[test]
fn every_changed_byte_is_refused() {
    let mut bytes = GENUINE.to_string().into_bytes();
    for i in 0..bytes.len() {
        let genuine = bytes[i];
        // Without white space, which could become other white space.
        for changed in [genuine ^ 1, genuine ^ 0x80] {
            bytes[i] = changed;
            let is_refused = verify(&bytes).map_or(true, |verdict| {
                verdict.conclusion == Conclusion::Rejected
                    || rules(&verdict, Outcome::Unverifiable) == ["schema_version"]
            });
            assert!(is_refused, "byte {i}: {genuine:#04x} became {changed:#04x}");
        }
        bytes[i] = genuine;
    }
}

#[test]
fn not_text_and_not_json() {
    let empty = verify(b"").unwrap_err().to_string();
    assert!(
        empty.starts_with("not a receipt: the file is empty; "),
        "{empty}"
    );
    assert_not_json(b"\xff\xfe{}");
    assert_not_json(b"{\"schema_version\": \"1.0.0\xc3\"}");
    assert_not_json(&[0; 4096]);
    assert_not_json(&[&GENUINE_BYTES[..], b"{}"].concat());
    assert_not_json(replaced("\"timing_ms\":", "\"timing_ms\":NaN,\"x\":").as_bytes());
    assert_not_json(replaced("\"timing_ms\":", "\"timing_ms\":1e999,\"x\":").as_bytes());
    assert_not_json(replaced("\"timing_ms\":", "\"timing_ms\":-Infinity,\"x\":").as_bytes());
}

#[test]
fn deep_nesting_is_an_error() {
    for open in ["[", "{\"a\":"] {
        assert_not_json(open.repeat(100_000).as_bytes());
        let inside = format!("\"first_divergence\":{}", open.repeat(100_000));
        assert_not_json(replaced("\"first_divergence\":null", &inside).as_bytes());
    }
}

#[test]
fn too_many_bytes_are_not_looked_at() {
    let mut bytes = GENUINE_BYTES.clone();
    bytes.resize(MAX_RECEIPT_BYTES as usize, b' ');
    assert_only_unreplayed(&verify(&bytes).unwrap());
    bytes.push(b' ');
    let error = verify(&bytes).unwrap_err().to_string();
    assert!(error.contains("allowed at most 16777216"), "{error}");
}

/// Each bound by itself, to the last value.
#[test]
fn too_many_values_or_members_are_not_looked_at() {
    // Both versions make members, and so does the array; all of them and the root are values.
    let filled = |unit: &str, n: usize| {
        let head = r#"{"schema_version":"1.0.0","receipt_schema":"1.1.0","x":["#;
        format!("{head}{}]}}", vec![unit; n].join(","))
    };
    for (unit, most) in [("0", (1 << 20) - 4), (r#"{"":0}"#, (1 << 16) - 3)] {
        assert_broken(&filled(unit, most), "schema");
        let error = verify(filled(unit, most + 1).as_bytes()).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("found ") && error.contains(" values with "),
            "{error}"
        );
    }
}

/// There is nothing to judge where no field says what it is.
#[test]
fn json_that_is_no_receipt() {
    for (text, n) in [
        ("null", 0),
        ("[]", 0),
        ("\"1.0.0\"", 0),
        ("17", 0),
        ("{}", 0),
        ("{\"hello\":1}", 1),
        ("{\"schema_version\":1}", 1),
        ("{\"schema_version\":null,\"receipt_schema\":\"1.1.0\"}", 2),
    ] {
        let error = verify(text.as_bytes()).unwrap_err().to_string();
        let expected = format!("not a receipt: found {n} fields, none of them is schema_version");
        assert_eq!(error, expected, "{text}");
    }
    let versions_alone = json!({
        "schema_version": COMMON_SCHEMA, "receipt_schema": RECEIPT_SCHEMA,
    });
    assert_broken(&versions_alone.to_string(), "schema");
}

/// Files that people take for a receipt, each by its name.
#[test]
fn what_is_something_else_is_told() {
    let receipt: Receipt = serde_json::from_slice(&GENUINE_BYTES).unwrap();
    let statement = Statement::about(&receipt, &GENUINE_BYTES, Digest::of(b"a binary")).unwrap();
    let key = SigningKey::generate().unwrap();
    let bundle = Envelope::sign(statement.to_payload(), &key).to_json();
    let verdict = serde_json::to_string(&replayed(&GENUINE)).unwrap();
    let transcript = json!({ "version": 1, "prompt_ids": [1], "tokens": [2] }).to_string();
    for (bytes, what) in [
        (&b"GGUF\x03\0\0\0"[..], "a GGUF model"),
        (b"-----BEGIN PRIVATE KEY-----\n", "a key"),
        (b"-----BEGIN PUBLIC KEY-----\n", "a key"),
        (b"ssh-ed25519 AAAA", "a key"),
        (bundle.as_bytes(), "a bundle"),
        (&statement.to_payload(), "an in-toto statement"),
        (transcript.as_bytes(), "a transcript"),
        (verdict.as_bytes(), "a verdict"),
    ] {
        let error = verify(bytes).unwrap_err().to_string();
        assert!(error.starts_with(&format!("this is {what}")), "{error}");
        assert!(!error.contains(char::is_control), "{error}");
    }
    // However large a model is, it is told from its first bytes.
    let mut model = b"GGUF".to_vec();
    model.resize(MAX_RECEIPT_BYTES as usize + 1, 0);
    let error = verify(&model).unwrap_err().to_string();
    assert!(error.starts_with("this is a GGUF model"), "{error}");
    // A receipt does not become something else by a field of its own.
    for (field, value) in [
        ("conclusion", json!("accepted")),
        ("version", json!(1)),
        ("payloadType", json!("text/plain")),
    ] {
        let forged = edited(|r| r[field] = value);
        assert_broken(&forged.to_string(), "schema");
    }
}

/// What another version's fields mean nobody here knows: that is no lie. Who does is said.
#[test]
fn other_versions_are_unverifiable_without_a_guess() {
    let of_writer = |pointer: &str| GENUINE.pointer(pointer).unwrap().as_str().unwrap();
    let writer = format!(
        "check the receipt with the build that wrote it: version {}, commit {}",
        of_writer("/environment/BITNET_VERSION"),
        of_writer("/build/git_commit")
    );
    let assert_unknown = |receipt: &Value, evidence: &str| {
        let verdict = verify_with_replay(receipt.to_string().as_bytes()).unwrap();
        assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
        assert_eq!(rules(&verdict, Outcome::Unverifiable), ["schema_version"]);
        assert_eq!(verdict.rules.len(), 1, "no other rule applies");
        assert_eq!(verdict.receipt, None);
        let found = &verdict.rules[0].evidence;
        assert!(found.contains(evidence), "{found}");
    };
    for field in ["schema_version", "receipt_schema"] {
        for version in ["1.0", "1.0.1", "1.9.0", "2.0.0", "1.0.0 ", "1.1.0 ", ""] {
            let receipt = edited(|r| r[field] = json!(version));
            assert_unknown(&receipt, &format!("{field} {version:?}"));
            assert_unknown(&receipt, &writer);
            // Another version may have its fields elsewhere, and mean others by their names.
            let bare = json!({ field: version, "schema_version": receipt["schema_version"] });
            assert_unknown(&bare, "check the receipt with the build that wrote it");
        }
    }
    // What this program wrote before it had `receipt_schema`, and what older tools write.
    for removed in [json!(null), json!(1), json!({})] {
        let receipt = edited(|r| r["receipt_schema"] = removed);
        assert_unknown(
            &receipt,
            "receipt_schema \"none\", this program reads \"1.0.0\"",
        );
    }
    let no_commit = edited(|r| {
        r["receipt_schema"] = json!("2.0.0");
        r["build"] = json!([]);
    });
    assert_unknown(&no_commit, "commit unknown");
}

/// Readers differ in which of two equal keys counts: what one reads as genuine another may not.
#[test]
fn keys_that_appear_twice() {
    assert_broken(
        &replaced("\"timing_ms\":", "\"timing_ms\":1.5,\"timing_ms\":"),
        "schema",
    );
    assert_broken(&replaced("\"seed\":", "\"seed\":42,\"seed\":"), "schema");
    assert_broken(
        &replaced("\"kind\":", "\"kind\":\"seeded\",\"kind\":"),
        "schema",
    );
    assert_broken(
        &replaced("\"load_ns\":", "\"load_ns\":5,\"load_ns\":"),
        "schema",
    );
    let version = "\"schema_version\":";
    assert_broken(
        &replaced(version, "\"schema_version\":\"1.0.0\",\"schema_version\":"),
        "schema",
    );
}

/// 2⁵³ is the first integer that a reader with doubles cannot tell from the next.
#[test]
fn integers_that_doubles_cannot_hold() {
    for n in [
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "1e3",
        "0.5",
    ] {
        assert_broken(
            &replaced("\"load_ns\":5", &format!("\"load_ns\":{n}")),
            "schema",
        );
        assert_broken(
            &replaced("\"warmup\":0", &format!("\"warmup\":{n}")),
            "schema",
        );
    }
    // In an array, too.
    assert_broken(
        &replaced(
            "\"prefill_ns\":[40000]",
            "\"prefill_ns\":[9007199254740992]",
        ),
        "schema",
    );
    let largest = edited(|r| r["samples"]["load_ns"] = json!((1u64 << 53) - 1));
    assert_accepted(&replayed(&largest));
}

#[test]
fn token_ids_beyond_32_bits() {
    for id in [json!(1u64 << 32), json!(-1), json!(1.5), json!("7")] {
        let receipt = edited(|r| r["tokens"][0] = id);
        assert_broken(&receipt.to_string(), "schema");
    }
}
