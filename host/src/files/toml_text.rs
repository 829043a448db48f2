//! Parses TOML files that people write by hand.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::json::objects_are_objects;

/// Parses `text` as a `T`.
///
/// # Errors
/// The text is not TOML, or does not have the fields of `T`, by their names. The message is one
/// line and says where.
pub fn read_toml<T: DeserializeOwned + Serialize>(text: &str) -> Result<T, String> {
    let parsed: T = parse(text)?;
    // As in JSON, an array can stand for a table, with its values in the order of the fields.
    let written = serde_json::to_value(&parsed).map_err(|e| e.to_string())?;
    let found: Value = parse(text)?;
    objects_are_objects(&written, &found)?;
    Ok(parsed)
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| {
        let line = e
            .span()
            .map(|span| text[..span.start].matches('\n').count() + 1);
        let at = line.map_or(String::new(), |line| format!("line {line}: "));
        format!("{at}{}", e.message().replace('\n', " "))
    })
}
