//! Envelopes: what was signed comes back, and nothing else does.

use base64ct::{Base64, Base64Url, Encoding};
use host::attest::{
    Envelope, EnvelopeError, MAX_BUNDLE_BYTES, PublicKey, SignatureError, SigningKey,
};
use serde_json::{Value, json};

use crate::samples::{OPENSSH, PKCS8, SPKI};

const PAYLOAD: &[u8] = b"{\"_type\":\"https://in-toto.io/Statement/v1\"}";

fn genuine() -> Value {
    let key = SigningKey::parse(PKCS8).unwrap();
    let text = Envelope::sign(PAYLOAD.to_vec(), &key).to_json();
    serde_json::from_str(&text).unwrap()
}

fn key() -> PublicKey {
    PublicKey::parse(SPKI).unwrap()
}

fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let mut envelope = genuine();
    edit(&mut envelope);
    envelope
}

/// The payload, if the envelope is one and the key signed it.
fn verified(bytes: &[u8], key: &PublicKey) -> Option<Vec<u8>> {
    let envelope = Envelope::parse(bytes).ok()?;
    envelope.verify(key).ok().map(<[u8]>::to_vec)
}

#[track_caller]
fn assert_signature_is(envelope: &Value, expected: &SignatureError) {
    let parsed = Envelope::parse(envelope.to_string().as_bytes()).unwrap();
    assert_eq!(parsed.verify(&key()).unwrap_err(), *expected);
}

#[test]
fn what_was_signed_comes_back() {
    let envelope = genuine();
    let bytes = envelope.to_string().into_bytes();
    assert_eq!(verified(&bytes, &key()).as_deref(), Some(PAYLOAD));
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let keyid = &envelope["signatures"][0]["keyid"];
    assert_eq!(*keyid, key().id().to_string());
    let parsed = Envelope::parse(&bytes).unwrap();
    assert_eq!(
        Envelope::parse(parsed.to_json().as_bytes()).unwrap(),
        parsed
    );
}

/// The specification has readers take these, too.
#[test]
fn other_writings_of_the_same_envelope() {
    let decoded = |text: &Value| Base64::decode_vec(text.as_str().unwrap()).unwrap();
    let url_safe = edited(|e| {
        e["payload"] = json!(Base64Url::encode_string(PAYLOAD));
        let sig = &mut e["signatures"][0]["sig"];
        *sig = json!(Base64Url::encode_string(&decoded(sig)));
    });
    let unset = edited(|e| {
        e["signatures"][0].as_object_mut().unwrap().remove("keyid");
    });
    let empty = edited(|e| e["signatures"][0]["keyid"] = json!(""));
    for envelope in [url_safe, unset, empty] {
        let found = verified(envelope.to_string().as_bytes(), &key());
        assert_eq!(found.as_deref(), Some(PAYLOAD), "{envelope}");
    }
}

#[test]
fn every_flipped_bit_of_payload_and_signature_is_refused() {
    let flip_all = |pointer: &str| {
        let text = genuine()
            .pointer(pointer)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        let mut bytes = Base64::decode_vec(&text).unwrap();
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let flipped = edited(|e| {
                *e.pointer_mut(pointer).unwrap() = json!(Base64::encode_string(&bytes));
            });
            assert_signature_is(&flipped, &SignatureError::Wrong);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    };
    flip_all("/payload");
    flip_all("/signatures/0/sig");
}

/// Names, quotes and braces too. Only the keyid is nobody's word.
#[test]
fn every_changed_byte_of_the_file_is_refused() {
    let text = genuine().to_string();
    let keyid = key().id().to_string();
    let start = text.find(&keyid).unwrap();
    let keyid = start..start + keyid.len();
    let mut bytes = text.into_bytes();
    for i in (0..bytes.len()).filter(|i| !keyid.contains(i)) {
        let genuine = bytes[i];
        for changed in [genuine ^ 1, genuine ^ 0x20, genuine ^ 0x80] {
            bytes[i] = changed;
            assert_eq!(
                verified(&bytes, &key()),
                None,
                "byte {i}: {genuine} to {changed}"
            );
        }
        bytes[i] = genuine;
    }
    assert!(verified(&bytes, &key()).is_some());
}

#[test]
fn every_truncation_is_refused() {
    let bytes = genuine().to_string().into_bytes();
    for end in 0..bytes.len() {
        assert!(Envelope::parse(&bytes[..end]).is_err(), "{end} bytes");
    }
    let sig = genuine()["signatures"][0]["sig"].clone();
    let sig = Base64::decode_vec(sig.as_str().unwrap()).unwrap();
    for len in [0, 1, 32, 63, 65, 128] {
        let other: Vec<u8> = sig.iter().cycle().take(len).copied().collect();
        let other = edited(|e| e["signatures"][0]["sig"] = json!(Base64::encode_string(&other)));
        assert_signature_is(&other, &SignatureError::Length(len));
    }
}

#[test]
fn another_key_is_refused_whatever_it_says_it_is() {
    let attacker = SigningKey::parse(OPENSSH).unwrap();
    let resigned = Envelope::sign(PAYLOAD.to_vec(), &attacker).to_json();
    let mut resigned: Value = serde_json::from_str(&resigned).unwrap();
    assert!(verified(resigned.to_string().as_bytes(), &attacker.public_key()).is_some());
    assert_signature_is(&resigned, &SignatureError::Wrong);
    for keyid in [key().id().to_string(), String::new()] {
        resigned["signatures"][0]["keyid"] = json!(keyid);
        assert_signature_is(&resigned, &SignatureError::Wrong);
    }
}

/// Other tools compute the keyid in another way. It is not signed, so it decides nothing.
#[test]
fn a_foreign_keyid_is_only_a_hint() {
    for keyid in ["0f4f1b9f2b8c", "", "another"] {
        let other = edited(|e| e["signatures"][0]["keyid"] = json!(keyid));
        let bytes = other.to_string();
        assert!(verified(bytes.as_bytes(), &key()).is_some(), "{keyid}");
        let found = Envelope::parse(bytes.as_bytes()).unwrap();
        assert_eq!(found.keyid().unwrap_or_default(), keyid);
    }
}

/// Without their names, nobody sees which field is which.
#[test]
fn an_array_is_no_envelope() {
    let [payload, signatures] = ["payload", "signatures"].map(|field| genuine()[field].clone());
    let signature = &signatures[0];
    let nameless = json!([signature["keyid"], signature["sig"]]);
    let payload_type = genuine()["payloadType"].clone();
    for envelope in [
        json!([payload, payload_type, signatures]),
        json!({ "payload": payload, "payloadType": payload_type, "signatures": [nameless] }),
    ] {
        let error = Envelope::parse(envelope.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("allowed an object"), "{error}");
    }
}

/// The signature is of type and payload: one of the bare payload is none.
#[test]
fn a_signature_of_the_bare_payload_is_refused() {
    let sig = SigningKey::parse(PKCS8).unwrap().sign(PAYLOAD);
    let bare = edited(|e| e["signatures"][0]["sig"] = json!(Base64::encode_string(&sig)));
    assert_signature_is(&bare, &SignatureError::Wrong);
}

#[test]
fn other_numbers_of_signatures_are_refused() {
    for n in [0, 2, 3] {
        let envelope = edited(|e| {
            let signature = e["signatures"][0].clone();
            e["signatures"] = json!(vec![signature; n]);
        });
        let error = Envelope::parse(envelope.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, EnvelopeError::Signatures(found) if found == n));
    }
}

#[test]
fn what_is_no_envelope_is_refused_in_one_line() {
    let text = genuine().to_string();
    let replaced = |from: &str, to: &str| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to).into_bytes()
    };
    let nested = format!("\"payload\":{},\"x\":", "[".repeat(30_000));
    let cases: [(Vec<u8>, &str); 14] = [
        (b"".to_vec(), "not a DSSE envelope"),
        (b"\xff\xfe".to_vec(), "not a DSSE envelope"),
        (b"null".to_vec(), "found other fields"),
        (b"[]".to_vec(), "not a DSSE envelope"),
        (b"{}".to_vec(), "found other fields"),
        ("[".repeat(60_000).into_bytes(), "not a DSSE envelope"),
        (replaced("\"payload\":", &nested), "not a DSSE envelope"),
        (
            replaced("\"payload\":", "\"payload\":\"\",\"payload\":"),
            "found other fields",
        ),
        (
            replaced("\"keyid\":", "\"keyid\":\"\",\"keyid\":"),
            "found other fields",
        ),
        (
            replaced("\"payload\":", "\"more\":1,\"payload\":"),
            "found other fields",
        ),
        (
            replaced("\"keyid\":", "\"cert\":\"\",\"keyid\":"),
            "found other fields",
        ),
        (
            replaced("\"payload\":\"", "\"payload\":\"*"),
            "payload: is not base64",
        ),
        (replaced("\"sig\":\"", "\"sig\":\" "), "sig: is not base64"),
        (replaced("in-toto+json", "in-toto"), "payloadType: found"),
    ];
    for (bytes, part) in cases {
        let error = Envelope::parse(&bytes).unwrap_err().to_string();
        assert!(error.contains(part), "no {part:?} in: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn too_many_bytes_are_not_looked_at() {
    let mut bytes = genuine().to_string().into_bytes();
    bytes.resize(MAX_BUNDLE_BYTES as usize, b' ');
    assert!(verified(&bytes, &key()).is_some());
    bytes.push(b' ');
    let error = Envelope::parse(&bytes).unwrap_err();
    assert!(matches!(error, EnvelopeError::TooLarge), "{error}");
}
