//! The JSON Schema of a receipt. It is generated from the types and published as
//! `ci/receipt.schema.json`.

use schemars::Schema;
use serde_json::json;

use super::version::EXTERNAL_SCHEMA;

/// The published schema (JSON Schema, draft 2020-12).
pub const PUBLISHED_SCHEMA: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../ci/receipt.schema.json"
));

/// Adds which fields each version has.
pub(super) fn fields_by_version(schema: &mut Schema) {
    let rules = json!({
        "if": { "properties": { "receipt_schema": { "const": EXTERNAL_SCHEMA } } },
        "then": {
            "required": ["engine"],
            "properties": { "parity": { "required": ["judgement"] } },
        },
        "else": {
            "properties": { "engine": false, "parity": { "properties": { "judgement": false } } },
        },
    });
    for (keyword, rule) in rules.as_object().into_iter().flatten() {
        schema.insert(keyword.clone(), rule.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use schemars::{
        generate::SchemaSettings,
        transform::{RecursiveTransform, Transform},
    };
    use serde_json::Value;

    use super::*;
    use crate::receipt::{MAX_INTEGER, Receipt};

    /// The text of the schema that follows from the types.
    fn generated() -> String {
        // The schema for writers, not for readers: a field may be null, but may not be missing.
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let mut schema = settings.into_generator().into_root_schema_for::<Receipt>();
        RecursiveTransform(bounds_for_machine_types).transform(&mut schema);
        let id = format!("https://bitreceipt.dev/receipt/{EXTERNAL_SCHEMA}.json");
        schema.insert("$id".into(), json!(id));
        let mut text = serde_json::to_string_pretty(&schema).unwrap();
        text.push('\n');
        text
    }

    /// Replaces formats such as "uint64", which JSON Schema does not define, by maxima.
    fn bounds_for_machine_types(schema: &mut Schema) {
        let maximum = match schema.remove("format").as_ref().and_then(Value::as_str) {
            Some("uint64") => MAX_INTEGER,
            Some("uint32") => u32::MAX.into(),
            _ => return,
        };
        schema.insert("maximum".into(), json!(maximum));
    }

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let generated = generated();
        if env::var_os("BLESS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/receipt.schema.json");
            fs::write(path, generated).unwrap();
            return;
        }
        assert!(
            PUBLISHED_SCHEMA == generated,
            "ci/receipt.schema.json does not match the types of a receipt. If the types were meant to \
             change, raise RECEIPT_SCHEMA and describe the change in ci/RECEIPT.md; then write the \
             file again with\nBLESS=1 cargo test -p host published_schema"
        );
    }
}
