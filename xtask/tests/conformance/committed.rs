//! The committed files are what the sources make, small, and described by the committed schema.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Value, json};
use xtask::{
    conformance::{Answers, Case, Index, Splice, Which},
    guest::workspace_root,
};

use crate::CORPUS;

/// The largest file of a model.
const MAX_MODEL_BYTES: usize = 400_000;

/// The most that the committed folder may take.
const MAX_COMMITTED_BYTES: usize = 8_000_000;

/// The most that all models together may take.
const MAX_MODELS_BYTES: usize = 9_000_000;

fn folder() -> PathBuf {
    workspace_root().join("ci/conformance")
}

#[test]
fn the_committed_corpus_is_what_the_sources_make() {
    let files: BTreeMap<PathBuf, Vec<u8>> = CORPUS.files(Which::Committed);
    for (name, bytes) in &files {
        let committed = fs::read(folder().join(name)).unwrap_or_default();
        assert!(
            committed == *bytes,
            "{}: run cargo run -p xtask -- corpus",
            name.display()
        );
    }
    let n_bytes: usize = files.values().map(Vec::len).sum();
    assert!(n_bytes < MAX_COMMITTED_BYTES, "{n_bytes}");
    for part in ["cases", "models"] {
        for entry in fs::read_dir(folder().join(part)).unwrap() {
            let name = PathBuf::from(part).join(entry.unwrap().file_name());
            assert!(
                files.contains_key(&name),
                "{} belongs to no case",
                name.display()
            );
        }
    }
}

#[test]
fn models_are_small() {
    let sizes = CORPUS.cases.iter().map(|made| made.file.len());
    assert!(sizes.clone().all(|n_bytes| n_bytes < MAX_MODEL_BYTES));
    let total: usize = sizes.sum();
    assert!(total < MAX_MODELS_BYTES, "{total}");
}

#[test]
fn splices_make_the_files_to_be_refused() {
    for made in &CORPUS.refused {
        let base = &crate::made(&made.refused.base).file;
        let (mut file, mut at) = (Vec::new(), 0);
        for Splice {
            at: start,
            remove,
            insert,
        } in &made.refused.splices
        {
            file.extend(&base[at..*start as usize]);
            let digits = (0..insert.len()).step_by(2).map(|i| &insert[i..i + 2]);
            file.extend(digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
            at = (start + remove) as usize;
        }
        file.extend(&base[at..]);
        assert!(file == made.file, "{}", made.refused.name);
    }
}

/// A reader that parses decimals as f64 and rounds them gets the same f32.
#[test]
fn numbers_survive_the_way_through_f64() {
    for made in &CORPUS.cases {
        let text = serde_json::to_string(&made.case.rows).unwrap();
        let parsed: Vec<Value> = serde_json::from_str(&text).unwrap();
        for (row, fact) in parsed.iter().zip(&made.case.rows) {
            let values = row["values"].as_array().unwrap().iter();
            let values: Vec<f32> = values.map(|x| x.as_f64().unwrap() as f32).collect();
            assert_eq!(values, fact.values, "{}", made.case.name);
        }
    }
}

/// The schema of all three kinds of files.
fn generated() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.into_generator();
    let kinds = [
        generator.subschema_for::<Index>(),
        generator.subschema_for::<Case>(),
        generator.subschema_for::<Answers>(),
    ];
    let definitions = generator.take_definitions(true);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://bitreceipt.dev/conformance/1.json",
        "title": "corpus.json, a case, or answers",
        "oneOf": kinds,
        "$defs": definitions,
    })
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let text = serde_json::to_string_pretty(&generated()).unwrap() + "\n";
    let path = folder().join("schema.json");
    if env::var_os("BLESS").is_some() {
        fs::write(path, text).unwrap();
        return;
    }
    let committed = fs::read_to_string(path).unwrap();
    assert!(
        committed == text,
        "write it again with BLESS=1 cargo test -p xtask --test conformance schema"
    );
}

#[test]
fn all_files_fit_the_schema() {
    fn value(of: &impl Serialize) -> Value {
        serde_json::to_value(of).unwrap()
    }
    let validator = jsonschema::validator_for(&generated()).unwrap();
    assert!(validator.is_valid(&value(&CORPUS.index())));
    for made in &CORPUS.cases {
        assert!(validator.is_valid(&value(&made.case)), "{}", made.case.name);
    }
    let answers = crate::answers([("b158-i2_s", xtask::conformance::Answer::refusal("no"))]);
    assert!(validator.is_valid(&value(&answers)));
    assert!(!validator.is_valid(&json!({"version": 1, "answers": {}})));
}
