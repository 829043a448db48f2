//! The JSON Schema of a receipt: generated from its types, published in `ci/receipt.schema.json`.

/// The published schema, draft 2020-12.
pub const PUBLISHED_SCHEMA: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../ci/receipt.schema.json"
));

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use schemars::{
        Schema,
        generate::SchemaSettings,
        transform::{RecursiveTransform, Transform},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::receipt::{MAX_INTEGER, RECEIPT_SCHEMA, Receipt};

    /// The schema that the types have, as the text of its file.
    fn generated() -> String {
        // As written, not as read: a field that may be null may still not be left out.
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let mut schema = settings.into_generator().into_root_schema_for::<Receipt>();
        RecursiveTransform(bounds_for_machine_types).transform(&mut schema);
        let id = format!("https://bitreceipt.dev/receipt/{RECEIPT_SCHEMA}.json");
        schema.insert("$id".into(), json!(id));
        let mut text = serde_json::to_string_pretty(&schema).unwrap();
        text.push('\n');
        text
    }

    /// JSON Schema does not know the names of machine types.
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
            "ci/receipt.schema.json is not what the types of a receipt have. If their change is \
             meant: raise RECEIPT_SCHEMA, describe it in ci/RECEIPT.md, and write the file anew with\n\
             BLESS=1 cargo test -p host published_schema"
        );
    }
}
