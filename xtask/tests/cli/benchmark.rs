//! `benchmark`: its results, its refusals, and the old receipt that survives them.

use serde_json::{Value, json};

use crate::process::Workspace;

#[test]
fn a_run_writes_a_receipt_and_prints_a_table() {
    let workspace = Workspace::new();
    let ran = workspace.benchmark("--repetitions 2").exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = lines[..4].iter().map(|line| cells(line)).collect();
    assert_eq!(rows[0][1..3], ["model", "size"], "{}", ran.stdout);
    assert_eq!(
        (&rows[2][6][..], &rows[3][6][..]),
        ("pp4", "tg3 @ d4"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("not replayed (--parity off)"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr, "", "no progress where nobody watches");
    let receipt = workspace.receipt_json();
    assert_eq!(receipt["tokens_generated"], 3);
    assert_eq!(receipt["run"]["repetitions"], 2);
    assert_eq!(receipt["parity"]["status"], "not_checked");
    assert_eq!(
        workspace.names("ci"),
        ["inference.json"],
        "nothing temporary is left"
    );
}

#[test]
fn json_goes_to_stdout_alone_and_is_the_receipt() {
    let workspace = Workspace::new();
    let ran = workspace.benchmark("--format json").exits(0);
    assert_eq!(ran.json(), workspace.receipt_json());
    assert_eq!(ran.stdout.as_bytes(), workspace.read("ci/inference.json"));
    let quiet = workspace.benchmark("--quiet --format json").exits(0);
    // Asked for is printed: quiet is about what nobody asked for.
    assert_eq!(quiet.json(), workspace.receipt_json());
    assert_eq!(quiet.stderr, "");
    let quiet = workspace.benchmark("--quiet").exits(0);
    assert_eq!((&quiet.stdout[..], &quiet.stderr[..]), ("", ""));
}

#[test]
fn one_token_has_no_decode_rate() {
    let workspace = Workspace::new();
    let ran = workspace.benchmark("--tokens 1").exits(0);
    assert!(!ran.stdout.contains("| tg"), "{}", ran.stdout);
    let receipt = workspace.receipt_json();
    assert_eq!(receipt["decode_tokens_per_sec"], Value::Null);
    assert_eq!(receipt["samples"]["decode_ns"], json!([[]]));
}

#[test]
fn prompt_ids_are_taken_as_they_are() {
    let workspace = Workspace::new();
    let words = "benchmark --tokens 2 --parity off --quiet --prompt-ids 5,0,511";
    workspace.run(words).exits(0);
    let receipt = workspace.receipt_json();
    assert_eq!(receipt["run"]["prompt_ids"], json!([5, 0, 511]));
    assert_eq!(receipt["run"]["prompt"], json!({ "kind": "ids" }));
}

#[test]
fn kernels_are_those_asked_for_or_an_error() {
    let workspace = Workspace::new();
    workspace.benchmark("--kernel scalar").exits(0);
    assert!(ran_only("_scalar", &workspace.receipt_json()));
    let avx2 = workspace.benchmark("--kernel avx2");
    if has_avx2() {
        avx2.exits(0);
        assert!(ran_only("_avx2", &workspace.receipt_json()));
    } else {
        avx2.fails(2, &["kernel avx2", "auto and scalar"]);
    }
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return engine_native::Avx2::new().is_some();
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

fn ran_only(isa: &str, receipt: &Value) -> bool {
    let kernels = receipt["kernels"].as_array().unwrap();
    kernels.iter().all(|k| k.as_str().unwrap().ends_with(isa))
}

#[test]
fn both_kernel_sets_choose_the_same_tokens() {
    let evidence = |kernel: &str| {
        let workspace = Workspace::new();
        workspace
            .benchmark(&format!("--kernel {kernel} --tokens 40"))
            .exits(0);
        let receipt = workspace.receipt_json();
        (
            receipt["tokens"].clone(),
            receipt["parity"]["checksum"].clone(),
        )
    };
    assert_eq!(evidence("scalar"), evidence("auto"));
}

#[test]
fn what_cannot_be_run_is_refused_and_the_old_receipt_stays() {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", "an old receipt");
    for (words, parts) in [
        (
            "--tokens 4000",
            &[
                "context",
                "4 prompt tokens and 4000",
                "4003",
                "allowed 2048",
            ][..],
        ),
        ("--prompt-tokens 2049", &["context", "allowed 2048"]),
        (
            "--deterministic --threads 2",
            &["--threads", "found 2", "allowed 1"],
        ),
        (
            "--threads 0",
            &["--threads", "found 0", "allowed an integer from 1"],
        ),
        ("--threads 4096", &["--threads", "found 4096"]),
        (
            "--seed 9007199254740992",
            &["--seed", "found 9007199254740992", "9007199254740991"],
        ),
    ] {
        let ran = workspace.benchmark(words);
        ran.fails(2, parts);
    }
    let ids = "benchmark --parity off --prompt-ids 7,512,3";
    workspace
        .run(ids)
        .fails(2, &["prompt id 1", "found 512", "allowed 0 to 511"]);
    for (words, parts) in [
        ("--tokens 0", &["--tokens", "0"][..]),
        ("--tokens -1", &["-1"]),
        ("--tokens 99999999999999999999", &["--tokens"]),
        ("--prompt-tokens 0", &["--prompt-tokens", "0"]),
        ("--repetitions 0", &["--repetitions"]),
        ("--kernel sse", &["auto, scalar, avx2"]),
        ("--kv-type q8", &["f16, f32"]),
        ("--parity maybe", &["full, off"]),
        ("--prompt-ids 1", &["--prompt-ids", "--prompt-tokens"]),
    ] {
        workspace.benchmark(words).refuses_words(parts);
    }
    assert_eq!(workspace.read("ci/inference.json"), b"an old receipt");
    assert_eq!(workspace.names("ci"), ["inference.json"]);
}
