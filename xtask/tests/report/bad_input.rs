//! What `report` refuses: one line, the documented code, and nothing half-written.

use std::{fs, process::Stdio};

use serde_json::json;

use crate::{
    process::{Ran, Workspace},
    with_receipt, write_edited,
};

/// It fails so, and leaves no page.
#[track_caller]
fn refuses(workspace: &Workspace, words: &str, code: i32, parts: &[&str]) {
    workspace.run(&format!("report {words}")).fails(code, parts);
    let is_there = workspace.path("report.html").exists();
    assert!(!is_there, "{words} left a page");
}

#[test]
fn what_is_no_receipt() {
    let workspace = with_receipt();
    workspace.run("report").refuses_words(&["<RECEIPT>"]);
    refuses(
        &workspace,
        "absent.json",
        5,
        &["absent.json", "did you mean r.json?"],
    );
    refuses(
        &workspace,
        ".",
        5,
        &["it is a folder", "did you mean r.json?"],
    );
    workspace.write("x.json", "[]");
    workspace.write("empty.json", "");
    workspace.write("b.json", r#"{"payloadType": "x"}"#);
    for name in ["x.json", "empty.json", "models/tiny.gguf"] {
        refuses(&workspace, name, 4, &[name]);
        // One that cannot be shown is no reason for a page without it.
        refuses(
            &workspace,
            &format!("r.json {name} --no-replay"),
            4,
            &[name],
        );
    }
    write_edited(&workspace, "x.json", |r| {
        r["receipt_schema"] = json!("9.0.0")
    });
    refuses(
        &workspace,
        "x.json",
        4,
        &["x.json", "verify-receipt says why"],
    );
}

#[test]
fn a_profile_that_is_none() {
    let workspace = with_receipt();
    let receipt: serde_json::Value = serde_json::from_slice(&workspace.read("r.json")).unwrap();
    let steps = json!({"steps": 1, "wall_ns": 5, "rest_ns": 5, "ops": []});
    let write = |profile: serde_json::Value| {
        let both = json!({"receipt": receipt, "profile": profile});
        workspace.write("p.json", both.to_string());
    };
    write(json!({"prefill": steps, "decode": null}));
    workspace
        .run("report p.json --no-replay --output ok.html")
        .exits(0);
    write(json!({"decode": steps}));
    let why = "not a receipt with a profile: ";
    refuses(&workspace, "p.json", 4, &["p.json", why]);
    for (key, value, why) in [
        (
            "steps",
            json!(0),
            "profile.prefill.steps: found 0, allowed at least 1",
        ),
        (
            "wall_ns",
            json!(6),
            "found 6 in wall_ns, the operations and rest_ns add up to 5",
        ),
        ("rest_ns", json!(u64::MAX), "add up to 18446744073709551615"),
    ] {
        let mut steps = steps.clone();
        steps[key] = value;
        write(json!({"prefill": steps, "decode": null}));
        refuses(&workspace, "p.json", 4, &["p.json", why]);
    }
}

#[test]
fn a_receipt_that_is_named_twice() {
    let workspace = with_receipt();
    workspace.write("copy.json", workspace.read("r.json"));
    let words = "r.json copy.json --no-replay";
    refuses(
        &workspace,
        words,
        2,
        &["copy.json", "the same receipt as r.json"],
    );
    // A forgery that was not sealed again has the digest of another receipt, and is not that one.
    let genuine = String::from_utf8(workspace.read("r.json")).unwrap();
    let forged = genuine.replace("\"warmup\": 1", "\"warmup\": 2");
    assert_ne!(forged, genuine);
    workspace.write("copy.json", forged);
    let ran = workspace.run(&format!("report {words}")).exits(1);
    assert!(
        ran.stdout.contains("rejected: copy.json\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn places_that_cannot_be_written() {
    let workspace = with_receipt();
    for place in ["absent/report.html", "r.json/report.html", "ci", "ci/"] {
        refuses(&workspace, &format!("r.json --output {place}"), 5, &[place]);
    }
    assert!(workspace.names("ci").is_empty());
}

/// A slip of the keyboard must cost neither a receipt nor a model.
#[test]
fn nothing_that_is_read_is_replaced() {
    let workspace = with_receipt();
    workspace
        .run("benchmark -n 3 -p 4 -r 1 --quiet --output other.json")
        .exits(0);
    workspace.write("policy.toml", "");
    let names = ["r.json", "other.json", "models/tiny.gguf", "policy.toml"];
    let before = names.map(|name| workspace.read(name));
    for (words, why) in [
        ("--output r.json", "is the receipt that is read"),
        ("--output ./ci/../r.json", "is the receipt that is read"),
        ("--output other.json", "is a receipt, and no page"),
        (
            "-m models/tiny.gguf --output models/tiny.gguf",
            "is the model that is read",
        ),
        (
            "--policy policy.toml --output policy.toml",
            "is the policy that is read",
        ),
    ] {
        refuses(
            &workspace,
            &format!("r.json --no-replay {words}"),
            5,
            &[why],
        );
    }
    assert_eq!(names.map(|name| workspace.read(name)), before);
}

#[test]
fn an_old_page_stays_where_a_new_one_fails() {
    let workspace = with_receipt();
    workspace.write("report.html", "an old page");
    workspace
        .run("report absent.json")
        .fails(5, &["absent.json"]);
    assert_eq!(workspace.read("report.html"), b"an old page");
    workspace.run("report r.json --no-replay --quiet").exits(0);
    assert!(
        workspace
            .read("report.html")
            .starts_with(b"<!DOCTYPE html>")
    );
}

/// A page of which a part was read is no page.
#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_takes_nothing() {
    let workspace = with_receipt();
    let words = "report r.json --no-replay --output -";
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = workspace.command(words).stdout(full).output().unwrap();
    Ran::of(ran, words).fails(5, &["standard output: No space"]);
    let mut child = workspace
        .command(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap(), words);
    ran.fails(5, &["standard output: Broken pipe"]);
}
