//! What all in-toto statements have in common
//! (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;

/// The value of `_type`.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A digest with the name of its algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Sha256 {
    pub sha256: Digest,
}

/// A field has another value than the only one that is allowed.
#[derive(Debug, thiserror::Error)]
#[error("{field}: found {found}, allowed {allowed:?}")]
pub struct FieldError {
    field: &'static str,
    found: String,
    allowed: &'static str,
}

/// Checks that the object `value` has this text in `field`.
///
/// # Errors
/// It has another one, or none.
pub(crate) fn check_field(
    value: &Value,
    field: &'static str,
    allowed: &'static str,
) -> Result<(), FieldError> {
    match value.get(field) {
        Some(Value::String(found)) if found == allowed => Ok(()),
        found => Err(FieldError {
            field,
            found: found.map_or("nothing".into(), Value::to_string),
            allowed,
        }),
    }
}
