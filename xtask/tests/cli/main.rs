//! The command line as a user has it: real processes, their exit codes, what they print, and what
//! they leave behind.

mod audits;
mod bad_model;
mod bad_receipt;
mod bandwidth;
mod benchmark;
mod bundles;
mod environment;
mod finding_models;
#[cfg(target_os = "linux")]
mod interrupt;
mod keys;
mod logits;
mod model_commands;
mod output_path;
mod policies;
mod process;
mod profile;
mod replay;
mod selftest;
mod show;
mod signing;
mod text;
mod verify_receipt;

use process::Workspace;

#[test]
fn help_is_there_for_every_command() {
    let workspace = Workspace::new();
    let help = workspace.run("--help").exits(0);
    assert!(
        help.stdout.contains("Exit codes: 0 done or accepted"),
        "{}",
        help.stdout
    );
    for command in [
        "benchmark",
        "verify-receipt",
        "show",
        "replay",
        "selftest",
        "keygen",
        "run",
        "logits",
        "make-model",
        "inspect",
        "model",
        "bandwidth",
        "guest",
    ] {
        assert!(help.stdout.contains(command), "{}", help.stdout);
        let help = workspace.run(&format!("{command} --help")).exits(0);
        assert!(help.stdout.contains("Usage: xtask"), "{}", help.stdout);
        assert_eq!(help.stderr, "");
    }
}

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
        .run("make-model --preset tiny")
        .refuses_words(&["--output"]);
    workspace
        .run("verify-receipt --format xml")
        .refuses_words(&["human, json"]);
}
