//! The published JSON Schema says what the types say: no more, no less.

use host::{receipt::PUBLISHED_SCHEMA, verify::Outcome};
use serde_json::{Value, json};

use crate::{
    edits,
    genuine::{GENUINE, edited, rule, rules, verify},
};

fn failed(receipt: &Value) -> Vec<&'static str> {
    let verdict = verify(receipt.to_string().as_bytes()).unwrap();
    rules(&verdict, Outcome::Fail)
}

/// What another reader refuses by the schema, this program refuses by its types, and the other way
/// round.
#[test]
fn schema_and_types_refuse_the_same_edits() {
    let (mut n_refused, mut n_passed) = (0, 0);
    for edit in edits::all(&GENUINE) {
        let failed = failed(&edit.document);
        let by_types = failed.contains(&"schema");
        let by_schema = failed.contains(&"json_schema");
        assert_eq!(by_types, by_schema, "{} {:?}", edit.path, edit.kind);
        *(if by_types {
            &mut n_refused
        } else {
            &mut n_passed
        }) += 1;
    }
    assert!(n_refused > 300 && n_passed > 300, "{n_refused} {n_passed}");
}

#[test]
fn integers_have_the_bounds_of_the_verifier() {
    type Place = fn(&mut Value) -> &mut Value;
    let places: [(Place, u64); 3] = [
        (|r| &mut r["samples"]["load_ns"], (1 << 53) - 1),
        (|r| &mut r["run"]["prompt"]["seed"], (1 << 53) - 1),
        (|r| &mut r["tokens"][0], u32::MAX.into()),
    ];
    for (place, largest) in places {
        for (n, is_allowed) in [
            (json!(largest), true),
            (json!(largest + 1), false),
            (json!(u64::MAX), false),
            (json!(-1), false),
            (json!(0.5), false),
        ] {
            let failed = failed(&edited(|r| *place(r) = n.clone()));
            assert_eq!(!failed.contains(&"json_schema"), is_allowed, "{n}");
            assert_eq!(!failed.contains(&"schema"), is_allowed, "{n}");
        }
    }
}

#[test]
fn evidence_is_the_place_and_the_reason_and_not_the_value() {
    let forged = edited(|r| r["model"]["sha256"] = json!("x".repeat(100_000)));
    let verdict = verify(forged.to_string().as_bytes()).unwrap();
    let evidence = &rule(&verdict, "json_schema").evidence;
    assert!(evidence.starts_with("\"/model/sha256\": "), "{evidence}");
    assert!(evidence.contains("[0-9a-f]{64}"), "{evidence}");
    assert!(evidence.len() < 200, "{evidence}");
}

/// Nothing is left open: every object names its fields, needs them all and allows no other.
#[test]
fn every_object_of_the_schema_is_closed() {
    fn visit(schema: &Value, n_objects: &mut usize) {
        if schema["type"] == "object" {
            let fields = schema["properties"].as_object().unwrap();
            assert_eq!(schema["additionalProperties"], false, "{schema}");
            assert_eq!(schema["required"].as_array().unwrap().len(), fields.len());
            *n_objects += 1;
        }
        let children: Vec<&Value> = match schema {
            Value::Object(fields) => fields.values().collect(),
            Value::Array(items) => items.iter().collect(),
            _ => Vec::new(),
        };
        for child in children {
            visit(child, n_objects);
        }
    }
    let schema: Value = serde_json::from_str(PUBLISHED_SCHEMA).unwrap();
    let mut n_objects = 0;
    visit(&schema, &mut n_objects);
    assert!(n_objects >= 12, "{n_objects}");
}
