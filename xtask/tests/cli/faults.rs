//! What fails outside of this program: full disks, streams that are gone, clocks, no `/proc`.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{
    process::{Ran, Workspace},
    signing::{BUNDLE, VERIFY, with_bundle},
};

const BENCHMARK: &str = "benchmark -n 3 -p 4 -r 1 --quiet";

/// Runs a script in a mount namespace of its own, in which it may mount. None, and said, where this
/// user may not have one.
fn in_namespace(workspace: &Workspace, script: &str) -> Option<Ran> {
    let may = Command::new("unshare").args(["-m", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED, no mount namespaces: {script}");
        return None;
    }
    let mut command = workspace.shell(&format!("exec unshare -m sh -c '{script}'"));
    Some(Ran::of(command.output().unwrap(), script))
}

/// A disk that has room for so much and no more: whatever does not fit leaves what was there.
#[test]
fn a_full_disk_at_each_write() {
    let workspace = with_bundle();
    let sign = format!("{BENCHMARK} --sign my.key --output disk/r.json");
    let mut codes = Vec::new();
    for pages in [1, 2, 3, 4, 5, 8, 16, 64] {
        fs::create_dir_all(workspace.path("disk")).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={}k none disk || exit 99; echo old > disk/other;
             \"$PROGRAM\" {sign}; code=$?; ls disk; exit $code",
            pages * 4
        );
        let Some(ran) = in_namespace(&workspace, &script) else {
            return;
        };
        codes.push(ran.code.unwrap());
        match ran.code {
            Some(0) => assert_eq!(ran.stdout, "other\nr.json\nr.json.dsse.json\n"),
            _ => assert_eq!(ran.ends(5, &["No space left"]).stdout, "other\n"),
        }
    }
    assert!(
        codes.starts_with(&[5, 5, 5]) && codes.ends_with(&[0, 0]),
        "{codes:?}"
    );
}

/// A pair that lies on the full disk already stays a pair.
#[test]
fn a_full_disk_keeps_the_old_pair() {
    let workspace = with_bundle();
    fs::create_dir(workspace.path("disk")).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=24k none disk || exit 99;
         cp ci/inference.json disk/; cp {BUNDLE} disk/;
         \"$PROGRAM\" {BENCHMARK} --sign my.key --output disk/inference.json;
         code=$?; ls disk; cmp ci/inference.json disk/inference.json;
         cmp {BUNDLE} disk/inference.json.dsse.json; exit $code"
    );
    let Some(ran) = in_namespace(&workspace, &script) else {
        return;
    };
    let ran = ran.ends(5, &["No space left"]);
    assert_eq!(ran.stdout, "inference.json\ninference.json.dsse.json\n");
    workspace.run(VERIFY).exits(0);
}

#[test]
fn a_folder_that_is_mounted_for_reading_is_found_before_the_run() {
    let workspace = Workspace::new();
    let script = format!(
        "mount -t tmpfs -o ro none ci || exit 99; \"$PROGRAM\" {BENCHMARK} --model absent.gguf"
    );
    if let Some(ran) = in_namespace(&workspace, &script) {
        ran.fails(5, &["ci/inference.json", "Read-only"]);
    }
}

/// Without `/proc` nothing is known of memory, so nothing is refused; and what is needed of it is
/// named.
#[test]
fn no_proc() {
    let workspace = with_bundle();
    let hidden = "mount -t tmpfs none /proc || exit 99; \"$PROGRAM\"";
    for (words, code, part) in [
        (BENCHMARK, 0, ""),
        ("verify-receipt", 0, ""),
        ("inspect models/tiny.gguf", 0, ""),
        ("bandwidth", 0, ""),
        ("benchmark -n 3 --sign my.key", 5, "the running executable"),
    ] {
        let Some(ran) = in_namespace(&workspace, &format!("{hidden} {words}")) else {
            return;
        };
        match code {
            0 => drop(ran.exits(0)),
            code => drop(ran.fails(code, &[part])),
        }
    }
    // And with a limit, whose use is not known either.
    let limited = format!("{hidden} --version && ulimit -v 60000 && \"$PROGRAM\" {BENCHMARK}");
    let ran = in_namespace(&workspace, &limited).unwrap();
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

/// Nobody hears the message; the code still tells.
#[test]
fn standard_error_that_is_full_or_gone() {
    let workspace = Workspace::new();
    let shell = |script: &str| {
        let output = workspace.shell(script).output().unwrap();
        Ran::of(output, script).exits(5)
    };
    shell("\"$PROGRAM\" inspect absent.gguf 2> /dev/full");
    shell("\"$PROGRAM\" inspect absent.gguf 2>&-");
    let script = "exec 2>&1; \"$PROGRAM\" inspect absent.gguf";
    let mut child = workspace
        .shell(script)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn standard_output_that_is_full_or_gone() {
    let workspace = Workspace::new();
    let run = |script: &str| Ran::of(workspace.shell(script).output().unwrap(), script);
    for words in [
        "inspect models/tiny.gguf",
        "benchmark -n 3 -p 4 -r 1 --output -",
        "model list",
    ] {
        let ran = run(&format!("\"$PROGRAM\" {words} > /dev/full"));
        ran.fails(5, &["standard output", "No space left"]);
        // A stream that was closed on purpose is none.
        run(&format!("\"$PROGRAM\" {words} >&-")).exits(0);
        run(&format!("\"$PROGRAM\" {words} | true")).exits(0);
    }
    // The verdict cannot be read, and is not the code.
    workspace.run(BENCHMARK).exits(0);
    let ran = run("\"$PROGRAM\" verify-receipt > /dev/full");
    ran.fails(5, &["standard output"]);
}

/// A library that sets the wall clock, as its argument says, and leaves the other clocks alone.
fn clock(workspace: &Workspace) -> Option<PathBuf> {
    let source = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        #include <time.h>
        int clock_gettime(clockid_t id, struct timespec *t) {
            static int (*real)(clockid_t, struct timespec *);
            static long calls;
            if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(id, t);
            if (id == CLOCK_REALTIME && getenv("WALL_CLOCK"))
                t->tv_sec = atol(getenv("WALL_CLOCK")) + (++calls % 2) * 100000;
            return result;
        }"#;
    workspace.write("clock.c", source);
    let library = workspace.path("clock.so");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(workspace.path("clock.c"))
        .arg("-ldl")
        .status();
    if made.is_ok_and(|status| status.success()) {
        return Some(library);
    }
    eprintln!("SKIPPED, no C compiler");
    None
}

/// A wall clock that jumps by a day at every look changes no figure; one that shows no year of a
/// receipt is refused.
#[test]
fn clocks() {
    let workspace = Workspace::new();
    let Some(library) = clock(&workspace) else {
        return;
    };
    let run = |time: &str, words: &str| {
        let mut command = workspace.command(words);
        command.env("LD_PRELOAD", &library).env("WALL_CLOCK", time);
        Ran::of(command.output().unwrap(), words)
    };
    run("1800000000", BENCHMARK).exits(0);
    let receipt = workspace.receipt_json();
    let created = receipt["created"].as_str().unwrap();
    assert!(
        created.starts_with("2027-01-1"),
        "the library is not used: {created}"
    );
    assert!(receipt["timing_ms"].as_f64().unwrap() < 60_000.0);
    for time in ["-1000000", "1577836800", "253402400000"] {
        let ran = run(time, "benchmark --model absent.gguf");
        ran.fails(2, &["clock", "2024"]);
    }
    run("-1000000", "verify-receipt --format json").exits(0);
    run("-1000000", "inspect models/tiny.gguf").exits(0);
}
