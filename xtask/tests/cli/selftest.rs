//! `selftest`: every published forgery is caught by the rule that is there for it.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::process::{Ran, Workspace};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/vectors");

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
    assert!(caught.parse::<usize>().unwrap() >= 130, "{caught}");
    assert_eq!(ran.stderr, "");
}

/// Rules that no edit of a receipt can break.
const UNREACHED: [&str; 3] = [
    // Breaking it takes an engine that is wrong on the verifier's machine: see tests/guesses.rs.
    "audit_units",
    // These note what the writer's replay was: the verifier's decides.
    "guest_sha256",
    "parity_status",
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
    let mut forged = BTreeSet::new();
    for entry in fs::read_dir(VECTORS).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let vectors = xtask::selftest::read_vectors(&text).unwrap();
        forged.extend(vectors.into_iter().filter_map(|vector| vector.caught_by));
    }
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
    workspace.run("selftest --vectors ci")
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
            .starts_with("not caught: a (expected schema): broken: [\"backend\"]")
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
