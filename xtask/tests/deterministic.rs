//! Two deterministic runs are the same run: their receipts differ in times and places only.

#[path = "support/specification.rs"]
mod fields;
#[path = "cli/process.rs"]
mod process;

use fields::fields;
use host::receipt::{Receipt, to_json};
use process::Workspace;
use serde_json::Value;

/// What the tokens are, whatever the number of threads.
const EVIDENCE: [&str; 5] = [
    "/tokens",
    "/parity/checksum",
    "/parity/reference_checksum",
    "/parity/fuel",
    "/run/prompt_ids",
];

/// The file that a process wrote in its own folder.
fn receipt_text(flags: &str) -> String {
    let workspace = Workspace::new();
    let words = "benchmark --quiet --tokens 24 --prompt-tokens 7 --repetitions 2";
    workspace.run(&format!("{words} {flags}")).exits(0);
    String::from_utf8(workspace.read("ci/inference.json")).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn receipt(flags: &str) -> Value {
    parsed(&receipt_text(flags))
}

/// The file that `text` would be with `other`'s values of the fields that may differ, as
/// `ci/RECEIPT.md` says.
fn with_times_and_places_of(text: &str, other: &str) -> String {
    let (mut receipt, other) = (parsed(text), parsed(other));
    let fields = fields();
    let may_differ = |path: &str| fields.iter().any(|f| f.path == path && f.may_differ);
    // A parent that may differ is taken with all that is in it, whatever its elements are.
    let is_outermost = |path: &str| {
        let parents = path.match_indices('.').map(|(dot, _)| &path[..dot]);
        may_differ(path) && !parents.into_iter().any(may_differ)
    };
    for field in fields.iter().filter(|field| is_outermost(&field.path)) {
        let pointer = format!("/{}", field.path.replace('.', "/"));
        let value = other.pointer(&pointer);
        let value = value.unwrap_or_else(|| panic!("no field {pointer}"));
        *receipt.pointer_mut(&pointer).unwrap() = value.clone();
    }
    let receipt: Receipt = serde_json::from_value(receipt).unwrap();
    to_json(&receipt)
}

#[test]
fn deterministic_receipts_differ_only_in_times_and_places() {
    let texts = [(); 2].map(|()| receipt_text("--deterministic"));
    let [first, second] = texts.each_ref().map(|text| parsed(text));
    assert_ne!(
        first["samples"], second["samples"],
        "two processes were timed"
    );
    assert_eq!(first["environment"]["BITNET_DETERMINISTIC"], "1");
    assert_eq!(first["environment"]["RAYON_NUM_THREADS"], "1");
    assert!(first["parity"]["fuel"].as_u64() > Some(0));
    let [first, second] = texts;
    // Byte for byte: the order of the fields and the layout as well.
    assert_eq!(with_times_and_places_of(&second, &first), first);
}

#[test]
fn another_number_of_threads_gives_the_same_evidence() {
    let one = receipt("--threads 1");
    let two = receipt("--threads 2");
    assert_eq!(two["environment"]["BITNET_DETERMINISTIC"], "0");
    assert_eq!(two["environment"]["RAYON_NUM_THREADS"], "2");
    for pointer in EVIDENCE {
        assert_eq!(one.pointer(pointer), two.pointer(pointer), "{pointer}");
    }
    assert_eq!(work_by_op(&one), work_by_op(&two));
}

/// (operation, multiply-accumulates of all its kernels), in the ledger's order.
fn work_by_op(receipt: &Value) -> Vec<(String, u64)> {
    let mut work: Vec<(String, u64)> = Vec::new();
    for entry in receipt["kernel_ledger"].as_array().unwrap() {
        let op = entry["op"].as_str().unwrap();
        let macs = entry["multiply_accumulates"].as_u64().unwrap();
        match work.last_mut() {
            Some((last, sum)) if last == op => *sum += macs,
            _ => work.push((op.to_owned(), macs)),
        }
    }
    work
}

/// The comparison can fail: another seed is another run.
#[test]
fn another_seed_gives_other_evidence() {
    let first_text = receipt_text("--deterministic --parity off");
    let second_text = receipt_text("--deterministic --parity off --seed 43");
    let (first, second) = (parsed(&first_text), parsed(&second_text));
    assert_ne!(first["parity"]["checksum"], second["parity"]["checksum"]);
    assert_ne!(first["tokens"], second["tokens"]);
    assert_ne!(
        with_times_and_places_of(&second_text, &first_text),
        first_text
    );
}

/// A challenge changes the prompt and nothing about determinism.
#[test]
fn answers_to_one_challenge_are_the_same() {
    let [first, second] = [(); 2].map(|()| receipt_text("--deterministic --challenge 00ff"));
    assert_eq!(with_times_and_places_of(&second, &first), first);
}
