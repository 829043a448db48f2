//! Bytes that are no receipt: an error or a verdict, never a panic.

use host::{
    receipt::{COMMON_SCHEMA, MAX_RECEIPT_BYTES, RECEIPT_SCHEMA},
    verify::{Conclusion, Outcome},
};
use serde_json::json;

use crate::genuine::{GENUINE, GENUINE_BYTES, edited, rules, verify};

/// The bytes are not JSON, and the error says so in one line.
fn assert_not_json(bytes: &[u8]) {
    let error = verify(bytes).unwrap_err().to_string();
    assert!(error.starts_with("not JSON: "), "{error}");
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
    for len in (0..end).step_by(7).chain([end - 1]) {
        assert_not_json(&GENUINE_BYTES[..len]);
    }
}

/// Whatever one byte becomes: an error or a rejection.
#[test]
fn every_changed_byte_is_refused() {
    let mut bytes = GENUINE.to_string().into_bytes();
    for i in 0..bytes.len() {
        let genuine = bytes[i];
        // Without white space, which could become other white space.
        for changed in [genuine ^ 1, genuine ^ 0x80] {
            bytes[i] = changed;
            let accepted = verify(&bytes).is_ok_and(|v| v.conclusion == Conclusion::Accepted);
            assert!(!accepted, "byte {i}: {genuine:#04x} became {changed:#04x}");
        }
        bytes[i] = genuine;
    }
}

#[test]
fn not_text_and_not_json() {
    assert_not_json(b"");
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
    assert_eq!(verify(&bytes).unwrap().conclusion, Conclusion::Accepted);
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

#[test]
fn json_that_is_no_receipt() {
    for text in [
        "null",
        "[]",
        "\"1.0.0\"",
        "17",
        "{}",
        "{\"schema_version\":1}",
    ] {
        assert_broken(text, "schema_version");
    }
    assert_broken("{\"schema_version\":\"1.0.0\"}", "schema_version");
    let versions_alone = json!({
        "schema_version": COMMON_SCHEMA, "receipt_schema": RECEIPT_SCHEMA,
    });
    assert_broken(&versions_alone.to_string(), "schema");
}

#[test]
fn other_versions_are_refused_without_a_guess() {
    for field in ["schema_version", "receipt_schema"] {
        for version in ["1.0", "1.0.1", "1.2.0", "2.0.0", "1.0.0 ", "1.1.0 ", ""] {
            let receipt = edited(|r| r[field] = json!(version));
            let verdict = verify(receipt.to_string().as_bytes()).unwrap();
            assert_eq!(rules(&verdict, Outcome::Fail), ["schema_version"]);
            assert_eq!(verdict.rules.len(), 1, "no other rule applies");
        }
    }
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
        &replaced("\"prefill_ns\":[4000]", "\"prefill_ns\":[9007199254740992]"),
        "schema",
    );
    let largest = edited(|r| r["samples"]["load_ns"] = json!((1u64 << 53) - 1));
    let verdict = verify(largest.to_string().as_bytes()).unwrap();
    assert_eq!(verdict.conclusion, Conclusion::Accepted, "{verdict:?}");
}

#[test]
fn token_ids_beyond_32_bits() {
    for id in [json!(1u64 << 32), json!(-1), json!(1.5), json!("7")] {
        let receipt = edited(|r| r["tokens"][0] = id);
        assert_broken(&receipt.to_string(), "schema");
    }
}
