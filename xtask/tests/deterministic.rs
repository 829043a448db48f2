//! Two deterministic runs are the same run: their receipts differ in times and places only.

#[path = "cli/process.rs"]
mod process;

use process::Workspace;
use serde_json::Value;

/// All that may differ between two deterministic runs of one build on one machine.
const MAY_DIFFER: [&str; 9] = [
    "/timing_ms",
    "/tokens_per_sec",
    "/prefill_tokens_per_sec",
    "/decode_tokens_per_sec",
    "/samples",
    "/parity/wall_ns",
    "/host",
    "/created",
    "/receipt_sha256",
];

/// What the tokens are, whatever the number of threads.
const EVIDENCE: [&str; 5] = [
    "/tokens",
    "/parity/checksum",
    "/parity/reference_checksum",
    "/parity/fuel",
    "/run/prompt_ids",
];

/// A receipt of a process in its own folder.
fn receipt(flags: &str) -> Value {
    let workspace = Workspace::new();
    let words = "benchmark --quiet --tokens 24 --prompt-tokens 7 --repetitions 2";
    workspace.run(&format!("{words} {flags}")).exits(0);
    workspace.receipt_json()
}

fn without(mut receipt: Value, pointers: &[&str]) -> Value {
    for pointer in pointers {
        let field = receipt.pointer_mut(pointer);
        *field.unwrap_or_else(|| panic!("no field {pointer}")) = Value::Null;
    }
    receipt
}

#[test]
fn deterministic_receipts_differ_only_in_times_and_places() {
    let first = receipt("--deterministic");
    let second = receipt("--deterministic");
    assert_ne!(
        first["samples"], second["samples"],
        "two processes were timed"
    );
    assert_eq!(first["environment"]["BITNET_DETERMINISTIC"], "1");
    assert_eq!(first["environment"]["RAYON_NUM_THREADS"], "1");
    assert!(first["parity"]["fuel"].as_u64() > Some(0));
    assert_eq!(without(first, &MAY_DIFFER), without(second, &MAY_DIFFER));
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
    let first = receipt("--deterministic --parity off");
    let second = receipt("--deterministic --parity off --seed 43");
    assert_ne!(first["parity"]["checksum"], second["parity"]["checksum"]);
    assert_ne!(first["tokens"], second["tokens"]);
    assert_ne!(without(first, &MAY_DIFFER), without(second, &MAY_DIFFER));
}

/// A challenge changes the prompt and nothing about determinism.
#[test]
fn answers_to_one_challenge_are_the_same() {
    let flags = "--deterministic --challenge 00ff";
    let (first, second) = (receipt(flags), receipt(flags));
    assert_eq!(without(first, &MAY_DIFFER), without(second, &MAY_DIFFER));
}
