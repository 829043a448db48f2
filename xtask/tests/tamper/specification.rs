//! `ci/RECEIPT.md` describes the receipt that there is.

use std::collections::{BTreeMap, BTreeSet};

use host::{
    receipt::{EXTERNAL_SCHEMA, PUBLISHED_SCHEMA},
    verify::Outcome,
};
use serde_json::Value;

use crate::{
    edits,
    expectations::{self, Expect},
    fields::{Field, TEXT, fields, rule_ids},
    genuine::{EXTERNAL, GENUINE, replayed, rules},
};

/// Path and type of every property, in the words of the document.
fn properties() -> BTreeMap<String, String> {
    let root: Value = serde_json::from_str(PUBLISHED_SCHEMA).unwrap();
    let mut found = BTreeMap::new();
    visit(&root, &root, "", &mut found);
    found
}

fn visit(root: &Value, schema: &Value, path: &str, found: &mut BTreeMap<String, String>) {
    let schema = resolved(root, schema);
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = match path {
            "" => key.clone(),
            _ => format!("{path}.{key}"),
        };
        found.insert(path.clone(), type_name(root, property));
        visit(root, property, &path, found);
    }
    let alternatives = ["oneOf", "anyOf"].into_iter();
    for alternative in alternatives.flat_map(|key| schema[key].as_array().into_iter().flatten()) {
        visit(root, alternative, path, found);
    }
    let is_array =
        |t: &Value| t == "array" || t.as_array().is_some_and(|t| t.contains(&"array".into()));
    if is_array(&schema["type"]) {
        visit(root, &schema["items"], path, found);
    }
}

fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    match schema["$ref"].as_str() {
        Some(reference) => root.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}

fn type_name(root: &Value, schema: &Value) -> String {
    if let Some(name @ ("Digest" | "Challenge")) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix("#/$defs/"))
    {
        return name.to_lowercase();
    }
    let schema = resolved(root, schema);
    for key in ["anyOf", "oneOf"] {
        let names = schema[key].as_array().into_iter().flatten();
        let names: BTreeSet<String> = names.map(|s| type_name(root, s)).collect();
        if !names.is_empty() {
            // Null stands last.
            let (null, mut names): (Vec<_>, Vec<_>) =
                names.into_iter().partition(|name| name == "null");
            names.extend(null);
            return names.join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => {
            format!("array of {}", type_name(root, &schema["items"]))
        }
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names = names.iter().map(|name| match name.as_str().unwrap() {
                "array" => format!("array of {}", type_name(root, &schema["items"])),
                name => name.to_owned(),
            });
            names.collect::<Vec<_>>().join(" or ")
        }
        other => panic!("no type: {other}"),
    }
}

#[test]
fn the_document_is_of_this_version() {
    assert!(TEXT.contains(&format!("Schema {EXTERNAL_SCHEMA};")));
    let id = format!("https://bitreceipt.dev/receipt/{EXTERNAL_SCHEMA}.json");
    assert!(PUBLISHED_SCHEMA.contains(&id));
}

#[test]
fn every_property_of_the_schema_has_its_row_and_no_other() {
    let described = fields().into_iter().map(|f| (f.path, f.type_name));
    let described: Vec<(String, String)> = described.collect();
    let once: BTreeMap<String, String> = described.iter().cloned().collect();
    assert_eq!(described.len(), once.len(), "a field is described twice");
    assert_eq!(once, properties());
}

/// The rules that the tampering tests expect of an edit are those that the document names.
#[test]
fn rows_name_the_rules_that_catch_an_edit() {
    let rows: BTreeMap<String, Field> = fields().into_iter().map(|f| (f.path.clone(), f)).collect();
    let edits = [&*GENUINE, &*EXTERNAL].into_iter().flat_map(edits::all);
    for edit in edits {
        let keys: Vec<&str> = edit.path.split('.').filter(|key| *key != "*").collect();
        let Some(row) = rows.get(&keys.join(".")) else {
            assert_eq!(edit.path, "", "the whole document is no field");
            continue;
        };
        let expected = match expectations::of(&edit).unwrap() {
            Expect::By(rules) | Expect::ByOneOf(rules) => rules,
            Expect::Unverifiable(rule) | Expect::Noted(rule) | Expect::UncheckedOrBy(rule) => {
                &[rule]
            }
            Expect::Unchecked | Expect::NotAReceipt => &[],
        };
        let of_every_field = ["schema", "receipt_sha256"];
        for rule in expected
            .iter()
            .filter(|rule| !of_every_field.contains(rule))
        {
            let is_named = row.rules.iter().any(|named| named == rule);
            assert!(
                is_named,
                "{}: {rule} is not among {:?}",
                edit.path, row.rules
            );
        }
    }
}

#[test]
fn the_rules_are_those_that_there_are() {
    let described: BTreeSet<String> = rule_ids().into_iter().collect();
    let mut there_are: BTreeSet<String> = rules(&replayed(&GENUINE), Outcome::Pass)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let when_asked_for = [
        "audit_transcript",
        "audit_units",
        "bundle_binary",
        "bundle_envelope",
        "bundle_guest",
        "bundle_keyid",
        "bundle_model",
        "bundle_receipt",
        "bundle_signature",
        "bundle_statement",
        "challenge",
        "challenge_prompt",
        "challenged_envelope",
        "challenged_receipt",
        "challenged_round",
        "challenged_signature",
        "challenged_statement",
        "challenged_terms",
        "challenged_times",
        "created_in_the_past",
        "parity_counts",
        "parity_judgement",
        "policy_retime",
        "retime_tokens",
        "steps_flat",
        "steps_repeated",
        "steps_round",
        "steps_smooth",
    ];
    there_are.extend(when_asked_for.map(str::to_owned));
    assert_eq!(described, there_are);
    for field in fields() {
        for rule in field.rules {
            assert!(described.contains(&rule), "{}: {rule}", field.path);
        }
    }
}
