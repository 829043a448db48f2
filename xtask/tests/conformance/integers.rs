//! Cases of integers that no random model has: sums beyond int16, and ties of quantization. The wrong engines
//! are `spec.py` with a mistake.

use std::process::Command;

use tempfile::TempDir;
use xtask::{
    conformance::{Answers, Outcome, Report, SumsFact, Which},
    guest::workspace_root,
};

use crate::{CORPUS, folder, made, outcomes, row, support::has_numpy};

/// Models with sums of a run beyond int16.
const LARGE: [&str; 2] = ["b158-i2_s-large", "llama-tq2_0-large"];

/// One with sums beyond int16 for a given input, but in no run.
const LONG: &str = "b158-i2_s-long";

const TIES: &str = "b158-i2_s-ties";

/// The sums of the case that a run has before all attention.
fn in_run(name: &str) -> &'static SumsFact {
    let mut sums = made(name).case.sums.iter();
    sums.find(|fact| fact.in_run).unwrap()
}

#[test]
fn sums_of_a_run_leave_int16() {
    for name in LARGE {
        let sums = in_run(name).sums.iter();
        let n_large = sums.filter(|sum| i16::try_from(**sum).is_err()).count();
        assert!(n_large >= 2, "{name}: {n_large}");
    }
}

/// The activations are what the reference computes.
#[test]
fn activations_of_a_run_are_ties() {
    let fact = in_run(TIES);
    let largest = fact.input.iter().fold(0.0f32, |m, x| x.abs().max(m));
    let scaled = fact.input.iter().map(|x| x * (127.0 / largest));
    let ties: Vec<f32> = scaled.filter(|x| x.fract().abs() == 0.5).collect();
    // `round` takes halves away from zero.
    let n_other = ties.iter().filter(|x| x.round() != x.round_ties_even());
    assert_eq!((ties.len(), n_other.count()), (127, 65));
}

/// The judgement on `spec.py` with a mistake, or with none.
fn judged(folder: &TempDir, kv_type: &str, mistake: &str) -> Report {
    let script = workspace_root().join("xtask/tests/conformance/wrong_engines.py");
    let written = Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg(folder.path())
        .args([kv_type, mistake])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&written.stderr);
    assert!(written.status.success(), "{stderr}");
    let answers: Answers = serde_json::from_slice(&written.stdout).unwrap();
    Report::of(&CORPUS, &answers)
}

#[test]
fn wrong_integers_fail_where_they_are_wrong() {
    if !has_numpy() {
        return;
    }
    use Outcome::{Failed, Passed};
    let models = [LARGE[0], LARGE[1], LONG, TIES].map(Some);
    let folder = folder(Which::All, |name| {
        models.contains(&name.file_stem().unwrap().to_str())
    });
    let right = [Passed; 5];
    let wrong = [Passed, Failed, Failed, Failed, Failed];
    let sums_alone = [Passed, Failed, Passed, Passed, Passed];
    // With a cache in f16, the tokens of the other rounding are ties.
    let tied = [Passed, Failed, Failed, Passed, Failed];
    for (mistake, kv_type, large, long, ties) in [
        ("right", "f16", right, right, right),
        ("right", "f32", right, right, right),
        ("wraps", "f16", wrong, sums_alone, right),
        ("wraps", "f32", wrong, sums_alone, right),
        ("saturates", "f16", wrong, sums_alone, right),
        ("saturates", "f32", wrong, sums_alone, right),
        ("away", "f16", right, right, tied),
        ("away", "f32", right, right, wrong),
    ] {
        let report = judged(&folder, kv_type, mistake);
        let found = |name| outcomes(row(&report, name));
        let what = format!("{mistake}, {kv_type}");
        for name in LARGE {
            assert_eq!(found(name), large, "{name}: {what}");
        }
        assert_eq!(found(LONG), long, "{what}");
        assert_eq!(found(TIES), ties, "{what}");
    }
}
