//! What cannot be swept is one clear line, before anything runs.

use crate::{
    process::{BITRECEIPT, Workspace},
    receipts::sweep,
};

#[test]
fn lists_that_are_none() {
    let workspace = Workspace::empty(BITRECEIPT);
    for (words, parts) in [
        ("-t 1,,2", &["--threads", "found \"\""][..]),
        (
            "-p 16-1",
            &["--prompt-tokens", "allowed ranges that rise, such as 1-16"],
        ),
        ("-p 1-16*1", &["--prompt-tokens", "factors from 2"]),
        ("-p 1-16+0", &["--prompt-tokens", "steps from 1"]),
        ("-p 1-4000", &["--prompt-tokens", "more than 1000"]),
        ("-p 0,1", &["--prompt-tokens", "from 1"]),
        ("--kernel avx2,sse", &["--kernel", "auto, scalar, avx2"]),
        ("--kernel scalar,", &["--kernel"]),
        (
            "--output r.json --output-dir out",
            &["--output", "--output-dir"],
        ),
        ("--delay 99999999", &["--delay", "3600000"]),
        ("-o xml", &["human, json, md, csv, jsonl, sql"]),
    ] {
        workspace
            .run(&format!("benchmark {words}"))
            .refuses_words(parts);
    }
    assert!(workspace.names(".").is_empty());
}

#[test]
fn sweeps_that_cannot_be() {
    let workspace = Workspace::empty(BITRECEIPT);
    workspace.write("file", "");
    for (code, words, parts) in [
        (2, "-t 1,1", &["--threads", "found 1 twice"][..]),
        (2, "-p 4 -p 1-4", &["--prompt-tokens", "found 4 twice"]),
        (2, "--kernel auto,auto", &["--kernel", "found auto twice"]),
        (
            2,
            "-m absent.gguf -m absent.gguf",
            &["--model", "found absent.gguf twice"],
        ),
        (
            2,
            "-p 1-40 -n 1-40",
            &["found 1600 cells, allowed at most 1000"],
        ),
        (
            2,
            "-p 4,5 --output r.json",
            &["--output", "2 receipts", "--output-dir"],
        ),
        (2, "-p 4,5 --profile", &["--profile", "found 2 cells"]),
        (2, "-p 4,3000", &["context", "allowed 2048"]),
        (2, "-t 1,4096", &["--threads", "found 4096"]),
        (
            2,
            "--deterministic -t 1,2",
            &["--threads", "found 2", "allowed 1"],
        ),
        (
            2,
            "-p 4,5 --export-md a --export-csv ./a",
            &["./a", "something else is written there"],
        ),
        (
            5,
            "-p 4,5 --export-md absent/a",
            &["absent", "make it first"],
        ),
        (5, "-p 4,5 --output-dir file", &["file: it is no folder"]),
        (
            5,
            "-p 4,5 --output-dir absent/deep",
            &["absent", "--output-dir"],
        ),
        (5, "-p 4,5 -m absent.gguf", &["absent.gguf"]),
        (4, "-p 4,5 -m file", &["file: ", "empty"]),
    ] {
        workspace
            .run(&format!("benchmark {words} --parity off"))
            .fails(code, parts);
    }
    assert!(
        workspace
            .names(".")
            .iter()
            .all(|name| name == "file" || name == "receipts")
    );
}

/// The old receipts of a sweep that fails are as they were.
#[test]
fn old_receipts_survive_a_sweep_that_cannot_begin() {
    let workspace = Workspace::empty(BITRECEIPT);
    sweep(&workspace, "-p 4,5 -t 1 --parity off -q").exits(0);
    let old = workspace.read("out/tiny-p4-n3-t1.json");
    sweep(&workspace, "-p 4,3000 -t 1 --parity off").fails(2, &["context"]);
    assert_eq!(workspace.read("out/tiny-p4-n3-t1.json"), old);
}
