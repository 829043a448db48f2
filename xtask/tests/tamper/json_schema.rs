//! The published JSON Schema says what the types say: no more, no less.

use std::sync::LazyLock;

use host::{receipt::PUBLISHED_SCHEMA, verify::Outcome};
use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json};

use crate::{
    edits,
    genuine::{EXTERNAL, GENUINE, assert_rejected_by, edited, rule, rules, verify},
};

/// The published schema, as a reader in another language has it.
static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(PUBLISHED_SCHEMA).unwrap();
    jsonschema::draft202012::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .unwrap()
});

/// Whether the verifier's types refuse it. A version that they are not of is refused before them.
fn is_refused_by_types(receipt: &Value) -> bool {
    verify(receipt.to_string().as_bytes())
        .is_ok_and(|verdict| rules(&verdict, Outcome::Fail).contains(&"schema"))
}

#[test]
fn the_genuine_receipt_is_as_the_schema_says() {
    for genuine in [&*GENUINE, &*EXTERNAL] {
        assert!(SCHEMA.is_valid(genuine));
        assert!(!is_refused_by_types(genuine));
    }
}

/// What another reader refuses by the schema, this program refuses by its types, and the other way
/// round.
#[test]
fn schema_and_types_refuse_the_same_edits() {
    let (mut n_refused, mut n_passed) = (0, 0);
    let edits = [&*GENUINE, &*EXTERNAL].into_iter().flat_map(edits::all);
    for edit in edits {
        let by_schema = !SCHEMA.is_valid(&edit.document);
        if let Err(error) = verify(edit.document.to_string().as_bytes()) {
            assert!(by_schema, "{} {:?}: {error}", edit.path, edit.kind);
            continue;
        }
        if ["schema_version", "receipt_schema"].contains(&&edit.path[..]) {
            // Of another version no type is known: the schema, too, is of this one alone.
            assert!(by_schema, "{} {:?}", edit.path, edit.kind);
            continue;
        }
        let by_types = is_refused_by_types(&edit.document);
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
            let receipt = edited(|r| *place(r) = n.clone());
            assert_eq!(SCHEMA.is_valid(&receipt), is_allowed, "{n}");
            assert_eq!(!is_refused_by_types(&receipt), is_allowed, "{n}");
        }
    }
}

/// Whatever the type is that refuses it: what it quotes is cut, and a digest is not quoted at all.
#[test]
fn evidence_quotes_no_huge_value() {
    let huge = "x".repeat(100_000);
    for pointer in [
        "/model/sha256",
        "/run/challenge",
        "/run/prompt/kind",
        "/parity/status",
        "/tokens",
        "/tokens/0",
        "/timing_ms",
        "/model/tied_embeddings",
    ] {
        let forged = edited(|r| *r.pointer_mut(pointer).unwrap() = json!(huge));
        let verdict = verify(forged.to_string().as_bytes()).unwrap();
        assert_rejected_by(&verdict, &["schema"]);
        let evidence = &rule(&verdict, "schema").evidence;
        assert!(
            evidence.len() <= 1000 + '…'.len_utf8(),
            "{pointer}: {evidence}"
        );
    }
    let forged = edited(|r| r["model"]["sha256"] = json!(huge));
    let verdict = verify(forged.to_string().as_bytes()).unwrap();
    let evidence = &rule(&verdict, "schema").evidence;
    let reason = "a SHA-256 digest is 64 lower-case hex digits";
    assert!(evidence.starts_with(reason), "{evidence}");
    assert!(evidence.len() < 200, "{evidence}");
    let forged = edited(|r| r[&huge] = json!(1));
    let verdict = verify(forged.to_string().as_bytes()).unwrap();
    let evidence = &rule(&verdict, "schema").evidence;
    assert!(evidence.len() <= 1000 + '…'.len_utf8(), "{evidence}");
}

/// Nothing is left open: every object names its fields, needs them all and allows no other.
#[test]
fn every_object_of_the_schema_is_closed() {
    fn visit(schema: &Value, n_objects: &mut usize) {
        if schema["type"] == "object" {
            let fields = schema["properties"].as_object().unwrap();
            assert_eq!(schema["additionalProperties"], false, "{schema}");
            let required = schema["required"].as_array().unwrap();
            for name in fields.keys() {
                // Which versions have these, rules say.
                let is_newer = ["engine", "judgement"].contains(&&**name);
                assert_eq!(required.contains(&json!(name)), !is_newer, "{name}");
            }
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
