//! What cannot be compared: one line, and the documented code.

use crate::{
    process::{BITRECEIPT, Ran, Workspace},
    receipts::{edited, scale, with_receipt},
};

#[test]
fn words_that_do_not_fit_together() {
    let workspace = Workspace::empty(BITRECEIPT);
    for (words, parts) in [
        (
            "compare",
            &["found nothing to compare", "--vary 'FLAG=X|Y'"][..],
        ),
        ("compare --bin a", &["found 1 --bin, allowed two"]),
        (
            "compare --bin a --bin b --bin c",
            &["found 3 --bin, allowed two"],
        ),
        (
            "compare --bin a --bin b --vary x=1|2",
            &["one difference at a time"],
        ),
        (
            "compare --bin a --bin b -- --parity off",
            &["found --parity after --"],
        ),
        ("compare --bin a --bin b -- -o=x", &["found -o after --"]),
    ] {
        workspace.run(words).fails(2, parts);
    }
    for (words, part) in [
        ("compare a", "<NEW>"),
        ("compare a b --bin c", "cannot be used with"),
        ("compare a b -- -t 1", "cannot be used with"),
        (
            "compare a b --max-slowdown much",
            "allowed percentages such as 5%",
        ),
        ("compare a b --max-slowdown -5%", "unexpected argument"),
        (
            "compare a b --across nothing",
            "model, task, settings, machine",
        ),
        (
            "compare --bin a --bin b --width NaN%",
            "allowed percentages",
        ),
        (
            "compare --bin a --bin b --time-budget soon",
            "allowed times up to a week",
        ),
        ("compare --vary kernel=avx2", "'kernel=avx2|auto'"),
    ] {
        workspace.run(words).refuses_words(&[part]);
    }
}

#[test]
fn files_that_are_no_receipts() {
    let workspace = with_receipt(1);
    workspace
        .run("compare old.json absent")
        .fails(5, &["absent"]);
    workspace.write("x.json", "[]");
    workspace
        .run("compare x.json old.json")
        .fails(4, &["x.json: not a receipt"]);
    edited(&workspace, "x.json", |r| r.tokens_generated += 1);
    workspace.run("compare old.json x.json").fails(
        1,
        &["x.json: this receipt breaks a rule; verify-receipt says which"],
    );
    std::fs::create_dir(workspace.path("empty")).unwrap();
    workspace
        .run("compare old.json empty")
        .fails(4, &["empty: found no receipt in this folder"]);
    workspace.write("empty/other.json", "{}");
    workspace
        .run("compare empty old.json")
        .fails(4, &["empty: found no receipt in this folder"]);
    let failed = workspace
        .run("compare empty old.json --format json")
        .exits(4);
    assert_eq!(failed.json()["error"]["code"], 4);
}

/// With one sample there is a ratio and no verdict; a gate is told that it has no answer.
#[test]
fn one_sample_shows_nothing() {
    let workspace = with_receipt(1);
    edited(&workspace, "new.json", |r| scale(r, 900));
    let ran = workspace.run("compare old.json new.json").exits(0);
    assert!(
        ran.stdout.contains("| none |") || ran.stdout.contains(" none |"),
        "{}",
        ran.stdout
    );
    let verdict = "verdict  Tokens equal, no difference that these samples can show\n";
    assert!(ran.stdout.contains(verdict), "{}", ran.stdout);
    workspace
        .run("compare old.json new.json --max-slowdown 5%")
        .ends(3, &["--max-slowdown: found 1 and 1 samples", "--bin"]);
}

#[test]
fn clocks_that_stand_still_show_nothing() {
    let workspace = with_receipt(9);
    let still = |workspace: &Workspace, name: &str, ns: u64| {
        edited(workspace, name, |r| {
            r.samples
                .decode_ns
                .iter_mut()
                .flatten()
                .for_each(|x| *x = ns);
            r.samples.prefill_ns.fill(ns);
        });
    };
    still(&workspace, "old2.json", 1_000_000_000);
    still(&workspace, "new.json", 9_000_000_000);
    let ran = workspace.run("compare old2.json new.json").exits(0);
    assert!(
        ran.stdout.contains("its clock stands still"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("no difference that these samples can show")
    );
    // Repetitions without variance, of a clock that works: a difference is one.
    let steady = |workspace: &Workspace, name: &str, ns: u64| {
        edited(workspace, name, |r| {
            for steps in &mut r.samples.decode_ns {
                let steps = steps.iter_mut().enumerate();
                steps.for_each(|(i, x)| *x = ns + i as u64);
            }
        });
    };
    steady(&workspace, "old2.json", 1_000_000_000);
    steady(&workspace, "new.json", 9_000_000_000);
    let ran = workspace.run("compare old2.json new.json").exits(0);
    assert!(
        ran.stdout.contains("verdict  Tokens equal, slower"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let workspace = with_receipt(9);
    let script = "\"$PROGRAM\" compare old.json old.json | true; exit ${PIPESTATUS:-0}";
    let output = workspace.shell(script).output().unwrap();
    let ran = Ran::of(output, script).exits(0);
    assert_eq!(ran.stderr, "");
}
