//! From bytes to a receipt: bounded, strict, and the digest checked over what the bytes say.

use serde_json::Value;

use super::{Outcome, RuleOutcome, extent::Extent, json_schema};
use crate::{
    digest::Digest,
    receipt::{
        COMMON_SCHEMA, MAX_INTEGER, MAX_RECEIPT_BYTES, RECEIPT_SCHEMA, Receipt, receipt_sha256,
    },
};

/// Most values in a receipt, and most members of its objects: parsed, they take 200 MB at most.
/// `benchmark` writes none that has more.
const MAX_EXTENT: Extent = Extent {
    values: 1 << 20,
    members: 1 << 16,
};

/// Bytes that no rule can be applied to.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NotAReceipt {
    #[error("found more bytes than a receipt has, allowed at most {MAX_RECEIPT_BYTES}")]
    TooLarge,
    #[error("not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error(
        "found {values} values with {members} members of objects, allowed at most {} with {}",
        MAX_EXTENT.values, MAX_EXTENT.members
    )]
    TooMuch { values: u64, members: u64 },
}

pub(super) fn parse(bytes: &[u8]) -> Result<(Option<Receipt>, Vec<RuleOutcome>), NotAReceipt> {
    if bytes.len() as u64 > MAX_RECEIPT_BYTES {
        return Err(NotAReceipt::TooLarge);
    }
    let Extent { values, members } = Extent::of(bytes)?;
    if values > MAX_EXTENT.values || members > MAX_EXTENT.members {
        return Err(NotAReceipt::TooMuch { values, members });
    }
    let value: Value = serde_json::from_slice(bytes)?;
    let version = RuleOutcome::of("schema_version", check_version(&value));
    if version.outcome == Outcome::Fail {
        // What another version's fields mean is unknown: no other rule applies.
        return Ok((None, vec![version]));
    }
    let (receipt, schema) = match serde_json::from_slice::<Receipt>(bytes) {
        Ok(receipt) => {
            let schema = check_integers(&value).and_then(|()| check_complete(&receipt, &value));
            (Some(receipt), schema)
        }
        Err(error) => (None, Err(error.to_string())),
    };
    let rules = vec![
        version,
        RuleOutcome::of("schema", schema),
        RuleOutcome::of("json_schema", json_schema::check(&value)),
        RuleOutcome::of("receipt_sha256", check_digest(&value)),
    ];
    Ok((receipt, rules))
}

fn check_version(value: &Value) -> Result<(), String> {
    let field = |name, allowed| match value.get(name) {
        Some(Value::String(found)) if found == allowed => Ok(()),
        found => Err(format!(
            "found {}, allowed {allowed:?}",
            found.map_or("nothing".into(), Value::to_string)
        )),
    };
    field("schema_version", COMMON_SCHEMA)?;
    field("receipt_schema", RECEIPT_SCHEMA).map_err(|e| {
        format!("receipt_schema: {e}; check it with the version of this program that wrote it")
    })
}

fn check_integers(value: &Value) -> Result<(), String> {
    match value {
        Value::Number(n) if n.as_u64().is_some_and(|n| n > MAX_INTEGER) => {
            Err(format!("found {n}, allowed integers up to {MAX_INTEGER}"))
        }
        Value::Array(values) => values.iter().try_for_each(check_integers),
        Value::Object(fields) => fields.values().try_for_each(check_integers),
        _ => Ok(()),
    }
}

/// A field that may be null may still not be left out: a receipt says what it does not know.
fn check_complete(receipt: &Receipt, value: &Value) -> Result<(), String> {
    let complete = serde_json::to_value(receipt).map_err(|e| e.to_string())?;
    match missing(&complete, value) {
        None => Ok(()),
        Some(key) => Err(format!("missing field `{key}`")),
    }
}

/// A key of `complete` or of an object in it that `found` does not have.
fn missing<'c>(complete: &'c Value, found: &Value) -> Option<&'c str> {
    let fields = complete.as_object()?;
    fields.iter().find_map(|(key, value)| match found.get(key) {
        None => Some(key.as_str()),
        Some(found) => missing(value, found),
    })
}

fn check_digest(value: &Value) -> Result<(), String> {
    let found = value.get("receipt_sha256").and_then(Value::as_str);
    let found = found.and_then(Digest::parse);
    match receipt_sha256(value) {
        Some(derived) if found == Some(derived) => Ok(()),
        derived => Err(format!(
            "found {}, the content has {}",
            found.map_or("none".into(), |d| d.to_string()),
            derived.map_or("none".into(), |d| d.to_string())
        )),
    }
}
