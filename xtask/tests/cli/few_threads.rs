//! A limit on threads: what needs fewer runs, the rest is refused with exit code 2 and the name of the
//! limit. A genuine receipt is never called anything else.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
    thread::available_parallelism,
};

use crate::process::{Ran, Workspace, XTASK};

/// A user of whom nothing else runs: the limit counts all threads of a user, and root has none.
fn user() -> u32 {
    60_000 + std::process::id() % 5000
}

/// Whether processes of another user can be started here.
fn can_become(user: u32) -> bool {
    let setpriv = Command::new("setpriv")
        .args([&format!("--reuid={user}"), "--clear-groups", "true"])
        .output();
    setpriv.is_ok_and(|output| output.status.success())
}

/// Runs the program with `words` as `user`, who may have `limit` threads.
fn run(workspace: &Workspace, user: u32, limit: u32, words: &str) -> Ran {
    let script = format!("ulimit -u {limit} && exec ./program {words}");
    let output = Command::new("setpriv")
        .args([&format!("--reuid={user}"), "--clear-groups"])
        .args(["bash", "-c", &script])
        .current_dir(workspace.folder())
        .env("BITRECEIPT_CACHE", workspace.cache())
        .output();
    Ran::of(output.unwrap(), &format!("ulimit -u {limit}: {words}"))
}

#[test]
fn every_command_ends_in_order_with_any_number_of_threads() {
    let user = user();
    if !can_become(user) {
        eprintln!("SKIPPED: a limit on threads does not bind root; this needs root and setpriv");
        return;
    }
    let workspace = Workspace::new();
    workspace
        .run("benchmark --tokens 4 --threads 1 --quiet")
        .exits(0);
    fs::copy(XTASK, workspace.path("program")).unwrap();
    let everybody = |path| fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    for folder in [workspace.folder(), workspace.path("ci")] {
        everybody(folder);
    }
    everybody(workspace.folder().parent().unwrap().to_owned());
    everybody(workspace.receipt());
    let two = available_parallelism().map_or(1, |n| n.get()).min(2);
    for words in [
        "verify-receipt ci/inference.json --jobs 4 --quiet",
        "verify-receipt ci/inference.json --jobs 4 --sample 50% --quiet",
        "verify-receipt ci/inference.json --jobs 1 --retime --quiet",
        "logits models/tiny.gguf --prompt-ids 1,2,3 --output out.npy",
        "run models/tiny.gguf --prompt ab --tokens 2",
        "inspect models/tiny.gguf",
        "model verify models/tiny.gguf",
        "bandwidth --bytes 1048576 --threads 1",
        &format!("benchmark --tokens 4 --threads {two} --quiet --output ./out.json"),
    ] {
        let codes = (1..=4).map(|limit| {
            let ran = run(&workspace, user, limit, words);
            match ran.code {
                Some(0) => ran.exits(0).code,
                _ => {
                    let limit = format!("ulimit -u is {limit} ");
                    ran.ends(2, &["threads: the system does not start ", &limit])
                        .code
                }
            }
        });
        let codes: Vec<_> = codes.collect();
        // One thread is the program's own and one waits for Ctrl-C: the limit bites.
        assert_eq!(codes[0], Some(2), "{words}: {codes:?}");
        assert!(codes.is_sorted_by(|a, b| a >= b), "{words}: {codes:?}");
        assert_eq!(codes[3], Some(0), "{words}: {codes:?}");
    }
}
