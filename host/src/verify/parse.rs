//! Parses a receipt: with bounded memory, strictly, and with its digest checked.

use serde_json::Value;

use super::{
    outcome::{Outcome, RuleOutcome},
    what::{self, What},
};
use crate::{
    digest::Digest,
    files::{JsonError, read_json_value, same_form},
    plain::plain,
    receipt::{
        COMMON_SCHEMA, MAX_INTEGER, MAX_RECEIPT_BYTES, NEWER_FIELDS, READABLE_SCHEMAS, Receipt,
        has_fields_since, receipt_sha256,
    },
};

/// Why bytes are not a receipt at all, so that no rule can be applied to them.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NotAReceipt {
    #[error("found too many bytes, allowed at most {MAX_RECEIPT_BYTES}")]
    TooLarge,
    #[error("this is {0}")]
    SomethingElse(What),
    #[error("not a receipt: the file is empty; name the file that benchmark wrote")]
    Empty,
    #[error("not a receipt: not JSON: {}; name the file that benchmark wrote", located(.0))]
    NotJson(serde_json::Error),
    #[error("not a receipt: {0}")]
    NoSchema(String),
    #[error("{0}")]
    TooMuch(JsonError),
}

impl From<JsonError> for NotAReceipt {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Json(error) => Self::NotJson(error),
            error => Self::TooMuch(error),
        }
    }
}

/// Where JSON ends being JSON, in brackets behind the reason.
fn located(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    match text.strip_suffix(&format!(" at line {line} column {column}")) {
        Some(reason) => format!("{reason} (line {line}, column {column})"),
        None => text,
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<(Option<Receipt>, Vec<RuleOutcome>), NotAReceipt> {
    if let Some(what) = what::of_bytes(bytes) {
        return Err(NotAReceipt::SomethingElse(what));
    }
    if bytes.is_empty() {
        return Err(NotAReceipt::Empty);
    }
    if bytes.len() as u64 > MAX_RECEIPT_BYTES {
        return Err(NotAReceipt::TooLarge);
    }
    let value = read_json_value(bytes)?;
    if let Some(what) = what::of_json(&value) {
        return Err(NotAReceipt::SomethingElse(what));
    }
    let version = version(&value)?;
    if version.outcome == Outcome::Unverifiable {
        // The fields of another version may mean anything, so no other rule applies.
        return Ok((None, vec![version]));
    }
    let (receipt, schema) = match serde_json::from_slice::<Receipt>(bytes) {
        Ok(receipt) => {
            let schema = check_integers(&value)
                .and_then(|()| check_form(&receipt, &value))
                .and_then(|()| check_version_fields(&receipt.receipt_schema, &value));
            (Some(receipt), schema)
        }
        Err(error) => (None, Err(error.to_string())),
    };
    let rules = vec![
        version,
        RuleOutcome::of("schema", schema),
        RuleOutcome::of("receipt_sha256", check_digest(&value)),
    ];
    Ok((receipt, rules))
}

/// Checks that this program knows the receipt's version. For other versions, the evidence names the
/// build that does.
fn version(value: &Value) -> Result<RuleOutcome, NotAReceipt> {
    let rule = "schema_version";
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let Some(common) = text("/schema_version") else {
        let fields = value.as_object().map_or(0, |fields| fields.len());
        let found = format!("found {fields} fields, none of them is schema_version");
        return Err(NotAReceipt::NoSchema(found));
    };
    let own = text("/receipt_schema").unwrap_or("none");
    let (common, own) = (plain(common, 40), plain(own, 40));
    if common == COMMON_SCHEMA && READABLE_SCHEMAS.contains(&&*own) {
        return Ok(RuleOutcome::new(rule, Outcome::Pass, ""));
    }
    let writer = match (
        text("/environment/BITNET_VERSION"),
        text("/build/git_commit"),
    ) {
        (None, None) => "the build that wrote it".to_owned(),
        (version, commit) => format!(
            "the build that wrote it: version {}, commit {}",
            plain(version.unwrap_or("unknown"), 40),
            plain(commit.unwrap_or("unknown"), 40)
        ),
    };
    let evidence = format!(
        "found schema_version {common:?} with receipt_schema {own:?}, this program reads \
         {COMMON_SCHEMA:?} with {}; check the receipt with {writer}",
        READABLE_SCHEMAS
            .map(|version| format!("{version:?}"))
            .join(" or ")
    );
    Ok(RuleOutcome::new(rule, Outcome::Unverifiable, evidence))
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

/// Checks that the document has the form in which the receipt is written: every field, also those
/// that are null, no other one, and each in its place. The parser alone is more lenient.
fn check_form(receipt: &Receipt, value: &Value) -> Result<(), String> {
    let written = serde_json::to_value(receipt).map_err(|e| e.to_string())?;
    same_form(&written, value)
}

/// Checks that the receipt has the newer fields that its version has, and no other ones.
fn check_version_fields(version: &str, value: &Value) -> Result<(), String> {
    NEWER_FIELDS.iter().try_for_each(|&(pointer, since)| {
        let field = pointer.rsplit('/').next().unwrap_or_default();
        let found = value.pointer(pointer).is_some();
        match (has_fields_since(version, since), found) {
            (true, false) => Err(format!("missing field `{field}`")),
            (false, true) => Err(format!(
                "unknown field `{field}`: schema {version} does not have it"
            )),
            (true, true) | (false, false) => Ok(()),
        }
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
