//! `selftest`: every published forgery is caught by the rule that is there for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};
use xtask::selftest::{Vector, forge::as_external, read_vectors};

use crate::process::{Ran, Workspace};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/vectors");

fn vectors() -> Vec<Vector> {
    let files = fs::read_dir(VECTORS)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let texts = files.map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| read_vectors(&text).unwrap())
        .collect()
}

#[test]
fn all_published_forgeries_are_caught() {
    let workspace = Workspace::new();
    let ran = workspace
        .run(&format!("selftest --vectors {VECTORS} --progress none"))
        .exits(0);
    let line = ran
        .stdout
        .strip_prefix("caught ")
        .and_then(|l| l.strip_suffix(" forgeries\n"));
    let (caught, of) = line.and_then(|l| l.split_once(" of ")).expect(&ran.stdout);
    assert_eq!(caught, of);
    assert!(caught.parse::<usize>().unwrap() >= 190, "{caught}");
    assert_eq!(ran.stderr, "");
}

/// The kind of a value: which one it is makes no other forgery.
fn kind(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), kind(v))).collect(),
        Value::Array(values) => values.iter().map(kind).collect(),
        Value::String(text) if text.is_empty() => "empty".into(),
        Value::String(_) => "text".into(),
        Value::Number(n) if n.as_f64() == Some(0.0) => "zero".into(),
        Value::Number(_) => "number".into(),
        other => other.clone(),
    }
}

/// Each number by the place of the first that is equal to it.
fn equal_numbers(value: &Value, seen: &mut Vec<Value>) -> Value {
    match value {
        Value::Object(fields) => fields.values().map(|v| equal_numbers(v, seen)).collect(),
        Value::Array(values) => values.iter().map(|v| equal_numbers(v, seen)).collect(),
        number => {
            let known = seen.iter().position(|other| other == number);
            json!(known.unwrap_or_else(|| {
                seen.push(number.clone());
                seen.len() - 1
            }))
        }
    }
}

#[test]
fn no_two_forgeries_differ_in_a_value_only() {
    let mut seen = BTreeMap::new();
    for vector in vectors() {
        let mut fields = serde_json::to_value(&vector).unwrap();
        for (name, value) in fields.as_object_mut().unwrap() {
            // The texts of whole files are forgeries of their own, as are lists of places and rules.
            let is_kept = [
                "text",
                "flags",
                "policy",
                "null",
                "remove",
                "copy",
                "replace",
                "caught_by",
                "outcome",
                "prefix",
                "suffix",
                "truncate",
                "bundle",
                "external",
                "challenged",
            ];
            *value = match &name[..] {
                "name" | "story" | "also" => Value::Null,
                name if is_kept.contains(&name) => value.clone(),
                // Which of the times are equal is no matter of their values.
                "claim" => json!([kind(value), equal_numbers(value, &mut Vec::new())]),
                _ => kind(value),
            };
        }
        if let Some(other) = seen.insert(fields.to_string(), vector.name.clone()) {
            panic!("{other} and {} differ in a value only", vector.name);
        }
    }
}

/// Rules that no edit of a receipt can break.
const UNREACHED: [&str; 4] = [
    // Breaking it takes an engine that is wrong on the verifier's machine: see tests/guesses.rs.
    "audit_units",
    // These note what the writer's replay was: the verifier's decides.
    "guest_sha256",
    "parity_status",
    // This one notes what a challenge cannot show of the prompt.
    "challenge_prompt",
];

#[test]
fn every_rule_has_a_forgery() {
    let workspace = Workspace::new();
    workspace
        .run("benchmark --tokens 3 --prompt-tokens 4 --repetitions 2 --challenge 5eed --quiet")
        .exits(0);
    let mut rules = BTreeSet::new();
    for flags in ["--retime --challenge 5eed", "--sample 5%"] {
        let ran = workspace
            .run(&format!("verify-receipt --format json {flags}"))
            .exits(0);
        let verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
        let found = verdict["rules"].as_array().unwrap().iter();
        rules.extend(found.map(|rule| rule["rule"].as_str().unwrap().to_owned()));
    }
    let mut external = workspace.receipt_json();
    as_external(&mut external);
    workspace.write("external.json", external.to_string());
    let ran = workspace
        .run("verify-receipt external.json --format json")
        .exits(0);
    let verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
    let found = verdict["rules"].as_array().unwrap().iter();
    rules.extend(found.map(|rule| rule["rule"].as_str().unwrap().to_owned()));
    assert!(rules.contains("parity_judgement"), "{rules:?}");
    let forged = vectors().into_iter().filter_map(|vector| vector.caught_by);
    let forged: BTreeSet<String> = forged.collect();
    let missing: Vec<_> = rules
        .iter()
        .filter(|rule| !forged.contains(*rule) && !UNREACHED.contains(&rule.as_str()))
        .collect();
    assert!(missing.is_empty(), "no vector is caught by {missing:?}");
}

/// Runs the command on one file of vectors.
fn selftest(vectors: &str) -> Ran {
    let workspace = Workspace::new();
    workspace.write("ci/v.toml", vectors);
    // A line for a phase that lasts would be no part of what is tested.
    workspace.run("selftest --vectors ci --progress none")
}

/// A drill that nothing survives proves nothing.
#[test]
fn what_is_not_caught_is_shown() {
    let ran = selftest(
        "[[vector]]\nname = 'a_cpu'\nset = { '/host/cpu_model' = 'x' }\ncaught_by = 'schema'",
    );
    let ran = ran.exits(1);
    let expected = "not caught: a_cpu (expected schema): accepted\ncaught 0 of 1 forgeries\n";
    assert_eq!(ran.stdout, expected);
    // Caught by another rule than the one that is there for it.
    let ran = selftest(
        "[[vector]]\nname = 'a'\nset = { '/backend' = 'x' }\ncaught_by = 'schema'\n\
         [[vector]]\nname = 'b'\nset = { '/backend' = 'x' }\ncaught_by = 'backend'",
    );
    let ran = ran.exits(1);
    assert!(
        ran.stdout
            .starts_with("not caught: a (expected schema): stopped by backend\n")
    );
    assert!(
        ran.stdout.ends_with("caught 1 of 2 forgeries\n"),
        "{}",
        ran.stdout
    );
    // Rejected is not unverifiable.
    let ran = selftest(
        "[[vector]]\nname = 'a'\nset = { '/backend' = 'x' }\ncaught_by = 'backend'\n\
         outcome = 'unverifiable'",
    );
    ran.exits(1);
}

#[test]
fn vectors_that_are_none_are_bad_input() {
    for (vectors, parts) in [
        ("", &["ci/v.toml", "missing field `vector`"][..]),
        ("vector = []", &["ci", "no vectors"]),
        ("[[vector]]\nname = 'a'", &["vector a: caught_by"]),
        (
            "[[vector]]\nname = 'a'\ncaught_by = 'x'\n[[vector]]\nname = 'a'\ncaught_by = 'x'",
            &["vector a appears twice"],
        ),
        (
            "[[vector]]\nname = 'a'\ncaught_by = 'x'",
            &["vector a: it changes nothing"],
        ),
        (
            "[[vector]]\nname = 'a'\ncaught_by = 'x'\nset = { '/no/where' = 1 }",
            &["vector a: the receipt has no /no/where"],
        ),
        (
            "[[vector]]\nname = 'a'\ncaught_by = 'x'\nremove = ['/nowhere']",
            &["vector a: the receipt has no /nowhere"],
        ),
        (
            "[[vector]]\nname = 'a'\noutcome = 'not_a_receipt'\npolicy = 'accept.kernel = 1'",
            &["vector a: policy: line 1: unknown field `kernel`"],
        ),
        (
            "[[vector]]\nname = 'a'\ncaught_by = 'x'\nsuffix = 'x'\nflags = '--no'",
            &["--no"],
        ),
    ] {
        selftest(vectors).fails(4, parts);
    }
    Workspace::new()
        .run("selftest --vectors nowhere")
        .fails(5, &["nowhere"]);
}
