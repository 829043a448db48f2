//! `verify-receipt --explain`: the sentences are true of receipts of every kind, and none is surer than
//! the verdict.

#[path = "../cli/process.rs"]
mod process;

mod drill;
mod kinds;
mod layout;
mod outcomes;
mod signed;
mod strangers;

use std::sync::LazyLock;

use host::{receipt::seal, verify::Explanation};
use serde_json::Value;

use process::Workspace;

/// What is said of a run that was calculated again from beginning to end.
const PROVED: &str = "The whole run was calculated again for this check, by a separate program, and every \
                      result came out the same to the last bit: the 3 tokens (pieces of words) in the receipt \
                      are what the model file with the fingerprint (SHA-256) 7b9cf185004b79c7… gives after this prompt of \
                      16 tokens.";

/// What every sentence about a recalculation has in it.
const RECALCULATED: [&str; 4] = [
    "calculated again",
    "came out",
    "did the whole run again",
    "agrees",
];

/// A signed receipt that answers a challenge, with its key, made once.
static GENUINE: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let workspace = Workspace::new();
    workspace.run("keygen --output my.key").exits(0);
    workspace.run("keygen --output other.key").exits(0);
    let words = "benchmark --deterministic --tokens 3 --repetitions 2 --quiet";
    workspace.run(&format!("{words} --sign my.key")).exits(0);
    let fresh = format!("{words} --challenge {CHALLENGE} --output fresh.json");
    workspace.run(&fresh).exits(0);
    let short = format!("{words} --challenge {CHALLENGE} --prompt-tokens 4 --output short.json");
    workspace.run(&short).exits(0);
    let seed = format!("{words} --challenge {CHALLENGE} --seed 7 --output seed.json");
    workspace.run(&seed).exits(0);
    let names = [
        "ci/inference.json",
        "ci/inference.json.dsse.json",
        "my.key.pub",
        "other.key.pub",
        "fresh.json",
        "short.json",
        "seed.json",
    ];
    names.map(|name| (name, workspace.read(name))).into()
});

const CHALLENGE: &str = "c0ffee00c0ffee00";

/// A folder with all of these files.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    for (name, content) in &*GENUINE {
        workspace.write(name, content);
    }
    workspace
}

/// A folder in which the receipt is an edited one, whose digest was computed again.
fn forged(edit: impl FnOnce(&mut Value)) -> Workspace {
    let workspace = workspace();
    let mut receipt = workspace.receipt_json();
    edit(&mut receipt);
    seal(&mut receipt);
    workspace.write("ci/inference.json", receipt.to_string());
    workspace
}

/// The explanation of `verify-receipt` with `words`, which ends with `code`.
#[track_caller]
fn explained(workspace: &Workspace, words: &str, code: i32) -> Explanation {
    let words = format!("verify-receipt {words} --explain --format json");
    let verdict = workspace.run(&words).exits(code).json();
    let explanation: Explanation = serde_json::from_value(verdict["explanation"].clone()).unwrap();
    let conclusion = verdict["conclusion"].as_str().unwrap();
    assert_sound(conclusion, &explanation);
    explanation
}

/// What must hold of every explanation, whatever the receipt is.
#[track_caller]
fn assert_sound(conclusion: &str, e: &Explanation) {
    let all = || e.certain.iter().chain(&e.bounded).chain(&e.claimed);
    for text in all().chain([&e.paragraph]) {
        assert!(text.ends_with('.'), "{text}");
        assert_eq!(*text, host::plain::plain(text, usize::MAX), "not plain");
        assert!(
            text.chars().next().is_some_and(char::is_uppercase),
            "{text}"
        );
        let (opened, closed) = (text.matches('“').count(), text.matches('”').count());
        assert_eq!(opened, closed, "{text}");
    }
    let rest = all().fold(e.paragraph.clone(), |rest, text| rest.replacen(text, "", 1));
    let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    // Beside the conclusion, the paragraph has only sentences of the lists.
    let opening = "This receipt for a speed test of a language model was checked with Bitreceipt ";
    assert!(rest.starts_with(opening), "{rest}");
    match conclusion {
        "accepted" => {
            assert!(rest.contains(" and accepted. What is certain:"), "{rest}");
            assert!(!e.certain.is_empty(), "{e:?}");
        }
        "rejected" => {
            assert!(rest.contains(" and rejected, because "), "{rest}");
            assert!(rest.contains(" Nothing else follows "), "{rest}");
            assert!(!rest.contains("What is"), "{rest}");
            assert_eq!(e.certain.len(), 1, "{e:?}");
            assert!(
                e.certain[0].starts_with("The receipt is rejected: "),
                "{e:?}"
            );
            assert!(e.bounded.is_empty(), "{e:?}");
            assert_eq!(
                e.claimed,
                ["Everything that the receipt says is no more than a claim."]
            );
        }
        "unverifiable" => {
            assert!(
                rest.contains(" and neither accepted nor rejected, because "),
                "{rest}"
            );
        }
        other => panic!("{other}"),
    }
}

/// One of `sentences` has all of `parts`.
#[track_caller]
fn says(sentences: &[String], parts: &[&str]) {
    let found = sentences
        .iter()
        .any(|s| parts.iter().all(|part| s.contains(part)));
    assert!(found, "{parts:?} is not in {sentences:#?}");
}

/// None of `sentences` has any of `parts`.
#[track_caller]
fn never_says(sentences: &[String], parts: &[&str]) {
    for part in parts {
        let found = sentences.iter().any(|s| s.contains(part));
        assert!(!found, "{part:?} is in {sentences:#?}");
    }
}
