//! A receipt against its published JSON Schema: what a reader in another language goes by.

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::receipt::PUBLISHED_SCHEMA;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(PUBLISHED_SCHEMA).expect("the published schema is JSON");
    jsonschema::draft202012::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .expect("the published schema is one")
});

/// The first place where `receipt` is not as the schema says, and why.
pub(super) fn check(receipt: &Value) -> Result<(), String> {
    let Err(error) = VALIDATOR.validate(receipt) else {
        return Ok(());
    };
    // Without the value, which may be as large as the receipt.
    Err(format!(
        "{:?}: {}",
        error.instance_path().as_str(),
        error.masked()
    ))
}
