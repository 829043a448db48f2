//! The environment variables of the run: understood or refused, and recorded as in effect.

use crate::process::{Ran, Workspace};

const WORDS: &str = "benchmark --tokens 2 --prompt-tokens 3 --repetitions 1 --parity off --quiet";

fn run(workspace: &Workspace, flags: &str, variables: &[(&str, &str)]) -> Ran {
    let words = format!("{WORDS} {flags}");
    let mut command = workspace.command(&words);
    command.envs(variables.iter().copied());
    Ran::of(command.output().unwrap(), &words)
}

/// [BITNET_DETERMINISTIC, BITNET_SEED, RAYON_NUM_THREADS] of the receipt of a run.
fn recorded(flags: &str, variables: &[(&str, &str)]) -> [String; 3] {
    let workspace = Workspace::new();
    run(&workspace, flags, variables).exits(0);
    let environment = &workspace.receipt_json()["environment"];
    ["BITNET_DETERMINISTIC", "BITNET_SEED", "RAYON_NUM_THREADS"]
        .map(|name| environment[name].as_str().unwrap().to_owned())
}

#[test]
fn what_is_in_effect_is_recorded() {
    let two = [("RAYON_NUM_THREADS", "2")];
    assert_eq!(recorded("", &two), ["0", "42", "2"]);
    assert_eq!(recorded("--threads 1", &two), ["0", "42", "1"]);
    assert_eq!(recorded("--deterministic", &two), ["1", "42", "1"]);
    let seven = [("BITNET_SEED", "7"), ("BITNET_DETERMINISTIC", "true")];
    assert_eq!(recorded("", &seven), ["1", "7", "1"]);
    assert_eq!(recorded("--seed 9", &seven), ["1", "9", "1"]);
}

/// Presence alone means nothing.
#[test]
fn zero_does_not_turn_determinism_on() {
    for off in ["0", "false"] {
        let variables = [("BITNET_DETERMINISTIC", off), ("RAYON_NUM_THREADS", "2")];
        assert_eq!(recorded("", &variables), ["0", "42", "2"]);
    }
}

#[test]
fn values_that_are_not_understood_are_refused() {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", "an old receipt");
    for (name, value) in [
        ("BITNET_DETERMINISTIC", ""),
        ("BITNET_DETERMINISTIC", "yes"),
        ("BITNET_DETERMINISTIC", "2"),
        ("BITNET_SEED", "forty-two"),
        ("BITNET_SEED", "-1"),
        ("RAYON_NUM_THREADS", "0"),
        ("RAYON_NUM_THREADS", "many"),
        ("RAYON_NUM_THREADS", "1\u{1b}[2K\n"),
    ] {
        run(&workspace, "", &[(name, value)]).fails(2, &[name, "found", "allowed"]);
    }
    assert_eq!(workspace.read("ci/inference.json"), b"an old receipt");
}
