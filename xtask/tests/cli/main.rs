//! The command line as a user has it: real processes, their exit codes, what they print, and what
//! they leave behind.

mod audits;
mod bad_model;
mod bad_receipt;
mod bandwidth;
mod benchmark;
mod bundles;
mod cache;
#[cfg(unix)]
mod changing_model;
mod cost;
mod environment;
#[cfg(target_os = "linux")]
mod external;
mod faults;
#[cfg(target_os = "linux")]
mod few_threads;
mod files_as_they_are;
mod finding_models;
mod help;
mod installed;
#[cfg(target_os = "linux")]
mod interrupt;
mod keys;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(target_os = "linux")]
mod limits;
mod logits;
mod measurement;
mod messages;
mod model_commands;
mod output_path;
#[path = "../support/overflow.rs"]
mod overflow;
#[cfg(target_os = "linux")]
mod places;
mod policies;
mod process;
mod profile;
mod progress;
mod replay;
mod selftest;
mod show;
mod signing;
mod streams;
mod text;
mod trained;
mod verify_receipt;

use process::Workspace;

#[test]
fn misuse_is_exit_code_2() {
    let workspace = Workspace::new();
    workspace.run("").exits(2);
    workspace
        .run("bench")
        .refuses_words(&["unrecognized subcommand"]);
    workspace.run("benchmark --fast").refuses_words(&["--fast"]);
    workspace.run("inspect").refuses_words(&["<MODEL>"]);
    workspace
        .run("logits --model m --output o")
        .refuses_words(&["--prompt-ids"]);
    workspace
        .run("make-model tiny")
        .refuses_words(&["--output", "--cache"]);
    workspace
        .run("verify-receipt --format xml")
        .refuses_words(&["human, json"]);
}
