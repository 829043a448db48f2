//! Documents that a verifier reads, edited by what a fuzzer gives.

use std::sync::LazyLock;

use host::{
    attest::{SigningKey, Statement},
    digest::Digest,
    receipt::{Receipt, seal},
};
use serde_json::{Map, Value, json};

/// A receipt of `models/tiny.gguf`, as `benchmark --deterministic --prompt-tokens 4 --tokens 3
/// --repetitions 2` writes it.
pub static RECEIPT: LazyLock<Receipt> = LazyLock::new(|| {
    serde_json::from_slice(include_bytes!("../seeds/receipt/receipt.json"))
        .expect("the seed is a receipt of this version")
});

/// Anybody's: it signs what the fuzzer makes.
pub static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::parse(
        "-----BEGIN PRIVATE KEY-----\n\
         MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n\
         -----END PRIVATE KEY-----\n",
    )
    .expect("a key of 32 bytes")
});

/// What a bundle says of `receipt`, the text of a file, with the rest from the seed.
pub fn statement(receipt: &str) -> Vec<u8> {
    let binary = Digest([7; 32]);
    Statement::about(&RECEIPT, receipt.as_bytes(), binary)
        .expect("the seed was replayed")
        .to_payload()
}

/// `document` with edits: three bytes for each, a place, and what becomes of it.
pub fn edited(document: &Value, data: &[u8]) -> Value {
    let mut edited = document.clone();
    for [low, high, kind] in data.as_chunks().0 {
        let places = places(&edited);
        let place = usize::from(u16::from_le_bytes([*low, *high]));
        let other = edited.pointer(&places[place / 7 % places.len()]).cloned();
        edit(
            &mut edited,
            &places[place % places.len()],
            *kind,
            other.unwrap_or_default(),
        );
    }
    edited
}

/// JSON pointers to all values below the root.
fn places(document: &Value) -> Vec<String> {
    let mut places = vec![String::new()];
    let mut next = 0;
    while next < places.len() {
        let here = places[next].clone();
        match document.pointer(&here) {
            Some(Value::Object(members)) => {
                places.extend(members.keys().map(|key| format!("{here}/{key}")));
            }
            Some(Value::Array(items)) => {
                places.extend((0..items.len()).map(|i| format!("{here}/{i}")));
            }
            _ => {}
        }
        next += 1;
    }
    places
}

fn edit(document: &mut Value, place: &str, kind: u8, other: Value) {
    let Some(value) = document.pointer_mut(place) else {
        return;
    };
    *value = match (kind, value.take()) {
        (0, Value::Array(mut items)) => {
            items.pop();
            Value::Array(items)
        }
        (1, Value::Array(mut items)) => {
            items.extend(items.last().cloned());
            Value::Array(items)
        }
        (2, Value::Object(mut members)) => {
            let last = members.keys().next_back().cloned();
            last.and_then(|key| members.remove(&key));
            Value::Object(members)
        }
        (3, Value::String(text)) => Value::String(text + "/"),
        (4, Value::Number(n)) => json!(n.as_u64().unwrap_or(0).wrapping_add(1)),
        (5, Value::Number(n)) => json!(n.as_u64().unwrap_or(0).wrapping_sub(1)),
        (6, Value::Number(n)) => json!(n.as_u64().unwrap_or(0).wrapping_mul(65_537)),
        (7, _) => Value::Null,
        (8, _) => json!(0),
        (9, _) => json!(u64::MAX),
        (10, _) => json!((1u64 << 53) - 1),
        (11, _) => json!(-1),
        (12, _) => json!(1.5),
        (13, _) => json!(f64::MAX),
        (14, _) => json!(""),
        (15, _) => json!([]),
        (16, _) => Value::Object(Map::new()),
        (17, _) => json!(true),
        (18..=127, _) => other,
        (power, _) => json!(1u64 << (power % 64)),
    };
}

/// The text of a receipt whose digest is right, as any forger can make it.
pub fn sealed(mut receipt: Value) -> String {
    seal(&mut receipt);
    receipt.to_string()
}
