//! Limits of the process: each ends with its exit code and a line that names it, from the smallest on
//! with which the program starts at all.

use std::{fs, process::Stdio};

use crate::{
    process::{Ran, Workspace},
    signing::{VERIFY, with_bundle},
};

const BENCHMARK: &str = "benchmark -n 3 -p 4 -r 1 --deterministic --quiet";

/// Runs the program with `words` under a limit, as a shell sets it.
fn limited(workspace: &Workspace, limit: &str, words: &str) -> Ran {
    let mut command = workspace.shell(&format!("ulimit {limit} && exec \"$PROGRAM\" {words}"));
    // Threads take addresses, too, and machines have any number of cores.
    command
        .env_remove("RUST_BACKTRACE")
        .env("RAYON_NUM_THREADS", "1");
    Ran::of(
        command.output().unwrap(),
        &format!("ulimit {limit}; {words}"),
    )
}

/// The smallest limit with which `--version` is printed.
fn smallest(workspace: &Workspace, flag: &str, enough: u64) -> u64 {
    let starts = |kib| limited(workspace, &format!("{flag} {kib}"), "--version").code == Some(0);
    let (mut too_small, mut enough) = (0, enough);
    while enough - too_small > 1 {
        let middle = too_small + (enough - too_small) / 2;
        match starts(middle) {
            true => enough = middle,
            false => too_small = middle,
        }
    }
    enough
}

/// From the smallest limit on, in steps of about a fifth, every command is done or says what is in
/// its way. Both happen.
fn assert_named_everywhere(flag: &str, enough: u64) {
    let workspace = Workspace::new();
    workspace.run(BENCHMARK).exits(0);
    let mut limit = smallest(&workspace, flag, enough);
    let commands = [
        "inspect models/tiny.gguf",
        BENCHMARK,
        "verify-receipt --quiet",
        "verify-receipt --quiet --sample 20%",
        "inspect absent.gguf",
    ];
    let (mut done, mut refused) = ([false; 5], [false; 5]);
    while limit < enough {
        for (i, words) in commands.iter().enumerate() {
            let ran = limited(&workspace, &format!("{flag} {limit}"), words);
            match ran.code {
                Some(0) => done[i] = true,
                Some(5) if i == 4 => done[i] = true,
                _ => {
                    ran.ends(2, &[&format!("ulimit {flag}")]);
                    refused[i] = true;
                }
            }
        }
        limit += (limit / 5).max(1);
    }
    assert_eq!((done, refused), ([true; 5], [true; 5]), "{flag}");
    workspace.run("verify-receipt").exits(0);
}

#[test]
fn address_space() {
    assert_named_everywhere("-v", 400_000);
}

#[test]
fn data_segment() {
    assert_named_everywhere("-d", 250_000);
}

/// The sandbox can do with few addresses, and computes the same.
#[test]
fn a_gigabyte_of_addresses_is_enough() {
    let workspace = Workspace::new();
    workspace.run(BENCHMARK).exits(0);
    let unlimited = workspace.receipt_json();
    limited(&workspace, "-v 1000000", BENCHMARK).exits(0);
    let limited_one = workspace.receipt_json();
    for field in ["tokens", "kernel_ledger", "model"] {
        assert_eq!(limited_one[field], unlimited[field], "{field}");
    }
    for field in ["checksum", "reference_checksum", "fuel", "guest_sha256"] {
        assert_eq!(limited_one["parity"][field], unlimited["parity"][field]);
    }
    let ran = limited(&workspace, "-v 1000000", "verify-receipt").exits(0);
    assert!(ran.stdout.starts_with("accepted: "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("note fuel"), "{}", ran.stdout);
    limited(&workspace, "-v 1000000", "verify-receipt --sample 20%").exits(0);
}

/// Threads share one heap where addresses are scarce.
#[test]
fn a_third_of_a_gigabyte_is_enough_for_few_threads() {
    let workspace = Workspace::new();
    for words in [BENCHMARK, "verify-receipt"] {
        limited(&workspace, "-v 300000", words).exits(0);
    }
}

/// Arguments are parsed and guests run on a stack of the program's own: what is left is what the system
/// puts on the first one.
#[test]
fn stack() {
    let workspace = Workspace::new();
    workspace.run(BENCHMARK).exits(0);
    // The limit bites: with less, not even the system can start the program.
    assert!(limited(&workspace, "-s 1", "--version").code != Some(0));
    for limit in [128, 512, 4096, 16_384] {
        let limit = format!("-s {limit}");
        for words in [BENCHMARK, "verify-receipt --quiet", "--help"] {
            limited(&workspace, &limit, words).exits(0);
        }
        limited(&workspace, &limit, "inspect absent.gguf").fails(5, &["absent.gguf"]);
    }
}

/// One file at a time is enough for everything but a signed run, which fails as a whole.
#[test]
fn open_files() {
    let workspace = with_bundle();
    // With three streams, four is what the loader needs.
    for words in [
        BENCHMARK,
        "verify-receipt --quiet",
        "inspect models/tiny.gguf",
    ] {
        limited(&workspace, "-n 4", words).exits(0);
    }
    let old = workspace.read("ci/inference.json");
    let sign = format!("{BENCHMARK} --sign my.key");
    limited(&workspace, "-n 4", &sign).fails(2, &["ulimit -n"]);
    assert_eq!(workspace.read("ci/inference.json"), old);
    limited(&workspace, "-n 8", &sign).exits(0);
    workspace.run(VERIFY).exits(0);
}

/// The old file stays, and the signal that ends other programs does not end this one.
#[test]
fn file_size() {
    let workspace = Workspace::new();
    workspace.run(BENCHMARK).exits(0);
    let old = workspace.read("ci/inference.json");
    for (limit, words) in [
        (0, BENCHMARK),
        (4, BENCHMARK),
        (100, "make-model tiny --output m.gguf"),
        (
            1,
            "logits --model models/tiny.gguf --prompt-ids 1 --output l.npy",
        ),
    ] {
        let ran = limited(&workspace, &format!("-f {limit}"), words);
        ran.fails(5, &["File too large", "ulimit -f"]);
    }
    assert_eq!(workspace.read("ci/inference.json"), old);
    assert_eq!(workspace.names("."), ["ci", "models"]);
    assert_eq!(workspace.names("ci"), ["inference.json"]);
    // Standard output is a file, too.
    let words = "inspect models/tiny.gguf";
    let mut command = workspace.shell(&format!("ulimit -f 0 && exec \"$PROGRAM\" {words}"));
    let printed = fs::File::create(workspace.path("printed")).unwrap();
    let child = command.stdout(printed).stderr(Stdio::piped()).spawn();
    let ran = Ran::of(child.unwrap().wait_with_output().unwrap(), words);
    ran.fails(5, &["standard output", "ulimit -f"]);
    limited(&workspace, "-f 1000", BENCHMARK).exits(0);
}
