//! `verify-receipt`: every conclusion with its exit code, and the two lines of the verdict.

use std::sync::LazyLock;

use host::receipt::receipt_sha256;
use serde_json::{Value, json};

use crate::process::{Ran, Workspace};

/// A genuine receipt of 6 positions, made once.
static GENUINE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let workspace = Workspace::new();
    let words = "benchmark --deterministic --tokens 3 --prompt-tokens 4 --repetitions 2 --quiet";
    workspace.run(words).exits(0);
    workspace.read("ci/inference.json")
});

/// A workspace with the genuine receipt in its place.
fn with_receipt() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", &*GENUINE);
    workspace
}

/// A workspace with an edited receipt whose digest was recomputed.
fn with_forgery(edit: impl FnOnce(&mut Value)) -> Workspace {
    let workspace = Workspace::new();
    let mut receipt = serde_json::from_slice(&GENUINE).unwrap();
    edit(&mut receipt);
    receipt["receipt_sha256"] = json!(receipt_sha256(&receipt).unwrap().to_string());
    workspace.write("ci/inference.json", receipt.to_string());
    workspace
}

/// The lines of a verdict that start with `start`, which must be one.
#[track_caller]
fn line<'r>(ran: &'r Ran, start: &str) -> &'r str {
    let mut lines = ran.stdout.lines().filter(|line| line.starts_with(start));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no {start} in:\n{}", ran.stdout));
    assert_eq!(lines.next(), None, "{}", ran.stdout);
    line
}

#[test]
fn a_replay_proves_the_tokens_and_speed_stays_a_claim() {
    let ran = with_receipt().run("verify-receipt --check-parity").exits(0);
    assert!(line(&ran, "accepted: ").contains("ci/inference.json"));
    assert_eq!(line(&ran, "tokens: "), "tokens: proved (6 positions)");
    assert!(line(&ran, "speed: ").contains(" tokens/s, claimed by "));
    assert_eq!(ran.stderr, "");
}

#[test]
fn without_a_replay_the_verdict_says_so() {
    let ran = with_receipt().run("verify-receipt").exits(0);
    assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
}

#[test]
fn a_challenge_tells_a_fresh_run_from_an_older_one() {
    let older = with_receipt();
    let ran = older.run("verify-receipt --challenge c0ffee").exits(1);
    let found = "  FAIL challenge: found none, allowed c0ffee: the run may be older";
    assert_eq!(line(&ran, "  FAIL "), found);

    let fresh = Workspace::new();
    fresh.benchmark("--parity full --challenge c0ffee").exits(0);
    assert_eq!(fresh.receipt_json()["run"]["challenge"], "c0ffee");
    let words = "verify-receipt --check-parity --challenge c0ffee";
    let ran = fresh.run(words).exits(0);
    assert!(line(&ran, "tokens: ").starts_with("tokens: proved"));
    let ran = fresh.run("verify-receipt --challenge c0ffef").exits(1);
    line(&ran, "  FAIL challenge: found c0ffee, allowed c0ffef");
    let ran = fresh.run("verify-receipt").exits(0);
    line(&ran, "  note challenge: found c0ffee");
    fresh.run("verify-receipt --retime").exits(0);
}

#[test]
fn what_is_no_challenge_is_a_matter_of_usage() {
    let workspace = Workspace::new();
    let long = "ab".repeat(65);
    for command in ["benchmark", "verify-receipt"] {
        for text in ["c", "C0FFEE", "0x00", "nonce", &long] {
            workspace
                .run(&format!("{command} --challenge {text}"))
                .refuses_words(&["--challenge", "2 to 128 lower-case hex digits"]);
        }
    }
    for prompt in ["--prompt-ids 1,2", "--prompt a"] {
        workspace
            .run(&format!("benchmark --challenge c0ffee {prompt}"))
            .refuses_words(&["--challenge", prompt.split(' ').next().unwrap()]);
    }
    assert!(workspace.names("ci").is_empty());
}

#[test]
fn without_the_model_only_a_replay_is_impossible() {
    let workspace = with_receipt();
    std::fs::rename(workspace.path("models/tiny.gguf"), workspace.path("m.gguf")).unwrap();
    let ran = workspace.run("verify-receipt").exits(0);
    assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
    for flag in ["--check-parity", "--retime"] {
        let ran = workspace.run(&format!("verify-receipt {flag}")).exits(3);
        line(&ran, "unverifiable: ");
        assert!(
            line(&ran, "  ???? parity_replay").contains("--model"),
            "{}",
            ran.stdout
        );
    }
    workspace.run("verify-receipt --model m.gguf").exits(0);
    let absent = workspace.run("verify-receipt --model absent.gguf");
    absent.fails(5, &["absent.gguf", "No such file"]);
}

#[test]
fn the_model_is_found_beside_the_receipt() {
    let workspace = with_receipt();
    std::fs::rename(
        workspace.path("models/tiny.gguf"),
        workspace.path("ci/tiny.gguf"),
    )
    .unwrap();
    let ran = workspace.run("verify-receipt --check-parity").exits(0);
    assert_eq!(line(&ran, "tokens: "), "tokens: proved (6 positions)");
}

#[test]
fn another_model_is_unverifiable() {
    let workspace = with_receipt();
    workspace
        .run("make-model --preset tiny --seed 5 --output m.gguf")
        .exits(0);
    for flags in ["", "--check-parity", "--retime"] {
        let words = format!("verify-receipt --model m.gguf {flags}");
        let ran = workspace.run(&words).exits(3);
        assert!(
            line(&ran, "  ???? model_sha256").contains("m.gguf"),
            "{}",
            ran.stdout
        );
        assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
    }
    workspace.write("m.gguf", "no model");
    workspace
        .run("verify-receipt --model m.gguf")
        .fails(4, &["m.gguf"]);
}

#[test]
fn retiming_shows_both_figures() {
    let workspace = with_receipt();
    let ran = workspace.run("verify-receipt --retime").exits(0);
    let claimed = workspace.receipt_json()["tokens_per_sec"].to_string();
    let retimed = line(&ran, "retimed: ");
    assert!(
        retimed.contains(&format!("{claimed} tokens/s in the receipt")),
        "{retimed}"
    );
    assert!(retimed.contains(" here on "), "{retimed}");
    let ran = workspace
        .run("verify-receipt --retime --format json")
        .exits(0);
    let retimed = &ran.json()["retimed"];
    assert_eq!(retimed["same_tokens"], true);
    assert!(retimed["here_tokens_per_sec"].as_f64() > Some(0.0));
}

#[test]
fn a_verdict_as_json() {
    let ran = with_receipt().run("verify-receipt --format json").exits(0);
    let verdict = ran.json();
    assert_eq!(verdict["conclusion"], "accepted");
    assert_eq!(verdict["tokens"], "not replayed");
    let rules = verdict["rules"].as_array().unwrap();
    assert!(
        rules.iter().all(|rule| rule["outcome"] == "pass"),
        "{}",
        ran.stdout
    );
    assert_eq!(verdict.get("retimed"), None);
}

#[test]
fn a_run_without_parity_is_made_and_refused() {
    let workspace = Workspace::new();
    workspace.benchmark("--quiet").exits(0);
    let ran = workspace.run("verify-receipt").exits(1);
    line(&ran, "rejected: ");
    assert!(line(&ran, "  FAIL parity_status").contains("--parity off"));
    let ran = workspace
        .run("verify-receipt --format json --check-parity")
        .exits(1);
    assert_eq!(ran.json()["conclusion"], "rejected");
}

#[test]
fn forged_tokens_pass_until_they_are_replayed() {
    let workspace = with_forgery(|r| r["tokens"] = json!([1, 2, 3]));
    workspace.run("verify-receipt").exits(0);
    let ran = workspace.run("verify-receipt --check-parity").exits(1);
    line(&ran, "  FAIL parity_tokens");
    line(&ran, "  FAIL parity_checksum");
    assert!(line(&ran, "tokens: ").starts_with("tokens: refuted (position 3: "));
}

#[test]
fn every_broken_rule_is_shown() {
    let workspace = with_forgery(|r| {
        r["tokens_per_sec"] = json!(1e9);
        r["backend"] = json!("metal");
    });
    let ran = workspace.run("verify-receipt --check-parity").exits(1);
    line(&ran, "  FAIL backend");
    line(&ran, "  FAIL tokens_per_sec");
    // The tokens are right all the same, and the verdict says so.
    assert!(line(&ran, "tokens: ").starts_with("tokens: proved ("));
}

/// What is rejected anyway is not run here, and the verdict says so.
#[test]
fn a_rejected_receipt_is_not_retimed() {
    let workspace = with_forgery(|r| r["backend"] = json!("metal"));
    let ran = workspace.run("verify-receipt --retime").exits(1);
    let note = line(&ran, "  note retime_tokens: ");
    assert!(note.ends_with("not run: the receipt is rejected"), "{note}");
    assert!(!ran.stdout.contains("retimed: "), "{}", ran.stdout);
}

/// Text from a receipt must not look like a verdict on a terminal.
#[test]
fn a_receipt_cannot_write_into_the_verdict() {
    let lie = "x\naccepted: y\ntokens: proved (143 positions)\r\u{1b}[1A\u{9b}2K";
    for key in [
        "/host/cpu_model",
        "/model/file_name",
        "/backend",
        "/run/prompt/kind",
    ] {
        let workspace = with_forgery(|r| *r.pointer_mut(key).unwrap() = json!(lie));
        let ran = workspace.run("verify-receipt --retime");
        line(&ran, "tokens: ");
        let shown = ran.stdout.replace('\n', "") + &ran.stderr.replace('\n', "");
        assert!(!shown.contains(char::is_control), "{key}: {shown:?}");
    }
}

#[test]
fn files_that_are_no_receipt() {
    let workspace = Workspace::new();
    let verify = |content: &[u8]| {
        workspace.write("ci/inference.json", content);
        workspace.run("verify-receipt")
    };
    verify(b"").fails(4, &["ci/inference.json", "not JSON"]);
    verify(&GENUINE[..100]).fails(4, &["ci/inference.json", "not JSON", "line"]);
    verify(b"\xff\xfe").fails(4, &["ci/inference.json"]);
    verify("[".repeat(100_000).as_bytes()).fails(4, &["recursion limit"]);
    let old = verify(br#"{"schema_version":"1.0","compute_path":"real","kernels":["i2s_"]}"#);
    line(
        &old.exits(1),
        "  FAIL schema_version: found \"1.0\", allowed \"1.0.0\"",
    );
    line(&verify(b"[]").exits(1), "  FAIL schema_version");
    // What this program wrote before it had `receipt_schema`.
    let mut old: Value = serde_json::from_slice(&GENUINE).unwrap();
    old.as_object_mut().unwrap().remove("receipt_schema");
    line(
        &verify(old.to_string().as_bytes()).exits(1),
        "  FAIL schema_version: receipt_schema: found nothing, allowed \"1.1.0\"; check it with",
    );
    workspace
        .run("verify-receipt --path absent.json")
        .fails(5, &["absent.json", "No such file"]);
    workspace
        .run("verify-receipt --path ci")
        .fails(5, &["ci: "]);
}

#[test]
fn a_receipt_of_65_mib_is_not_read_to_its_end() {
    let workspace = Workspace::new();
    let file = std::fs::File::create(workspace.receipt()).unwrap();
    file.set_len(65 << 20).unwrap();
    workspace
        .run("verify-receipt")
        .fails(4, &["ci/inference.json", "allowed at most 16777216"]);
}

/// The file is known by its digest: another of its name, or rubbish, does not hide it.
#[test]
fn the_model_is_the_one_with_the_digest() {
    let workspace = with_receipt();
    std::fs::rename(
        workspace.path("models/tiny.gguf"),
        workspace.path("ci/tiny.gguf"),
    )
    .unwrap();
    workspace
        .run("make-model --preset tiny --seed 7 --output models/tiny.gguf")
        .exits(0);
    let ran = workspace.run("verify-receipt --check-parity").exits(0);
    assert!(line(&ran, "tokens: ").starts_with("tokens: proved ("));
    workspace.write("models/tiny.gguf", "rubbish");
    workspace.run("verify-receipt --check-parity").exits(0);
    std::fs::remove_file(workspace.path("ci/tiny.gguf")).unwrap();
    let ran = workspace.run("verify-receipt").exits(0);
    assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
}

#[test]
fn a_hostile_file_name_does_not_hide_the_verdict() {
    for name in [
        "x".repeat(400),
        "a\0b".into(),
        "..".into(),
        "/etc/passwd".into(),
    ] {
        let workspace = with_forgery(|r| r["model"]["file_name"] = json!(name));
        let ran = workspace.run("verify-receipt").exits(1);
        line(&ran, "  FAIL model_file_name");
    }
}

#[test]
fn retiming_that_finds_other_tokens_is_a_rejection() {
    let workspace = with_forgery(|r| r["tokens"] = json!([1, 2, 3]));
    let ran = workspace.run("verify-receipt --retime").exits(1);
    line(&ran, "  FAIL retime_tokens");
    line(&ran, "retimed: ");
}

/// The units that a verdict in JSON says were audited.
fn audited(workspace: &Workspace, flags: &str) -> Vec<String> {
    let words = format!("verify-receipt --check-parity --format json {flags}");
    let ran = workspace.run(&words).exits(0);
    let verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
    serde_json::from_value(verdict["audit"]["units"].clone()).unwrap()
}

#[test]
fn an_audit_replays_a_part_and_says_which() {
    let workspace = with_receipt();
    let ran = workspace
        .run("verify-receipt --check-parity --sample 5%")
        .exits(0);
    let tokens = line(&ran, "tokens: ");
    // Six layers, and the head at three choices.
    assert!(
        tokens.starts_with("tokens: audited (1 of 7 units agree: "),
        "{tokens}"
    );
    assert!(
        tokens.contains("one wrong unit is found in 14.3 % of audits"),
        "{tokens}"
    );
    assert!(!ran.stdout.contains("proved"), "{}", ran.stdout);
    let ran = workspace
        .run("verify-receipt --check-parity --layers 1..3")
        .exits(0);
    let tokens = line(&ran, "tokens: ");
    assert!(
        tokens.contains("2 of 7 units agree: layer 1, layer 2; named"),
        "{tokens}"
    );
    assert_eq!(audited(&workspace, "--sample 100%").len(), 7);
    workspace
        .run("verify-receipt --check-parity --layers 6..8")
        .exits(3);
}

/// Another draw every time, and the same one for the same nonce.
#[test]
fn an_audit_is_drawn_by_its_nonce() {
    let workspace = with_receipt();
    let with_nonce = |n: u32| audited(&workspace, &format!("--sample 30% --nonce {n:064x}"));
    assert_eq!(with_nonce(1), with_nonce(1));
    let draws: std::collections::BTreeSet<_> = (0..12).map(with_nonce).collect();
    assert!(draws.len() > 4, "{draws:?}");
    let fresh: std::collections::BTreeSet<_> = (0..12)
        .map(|_| audited(&workspace, "--sample 30%"))
        .collect();
    assert!(fresh.len() > 4, "{fresh:?}");
}

/// A nonce that is known draws other units of another receipt: nothing can be prepared for it.
#[test]
fn an_audit_is_drawn_for_its_receipt() {
    let draws = |workspace: &Workspace| -> Vec<Vec<String>> {
        let draw = |n: u32| audited(workspace, &format!("--sample 30% --nonce {n:064x}"));
        (0..6).map(draw).collect()
    };
    let other = with_forgery(|r| r["created"] = json!("2026-01-01T00:00:00Z"));
    assert_ne!(draws(&with_receipt()), draws(&other));
}

/// What no native run here leaves is not audited: a full replay has to say what is wrong.
#[test]
fn an_audit_accepts_no_invented_transcript() {
    let invented = json!("00".repeat(32));
    let workspace = with_forgery(|r| {
        r["parity"]["checksum"] = invented.clone();
        r["parity"]["reference_checksum"] = invented.clone();
    });
    let ran = workspace
        .run("verify-receipt --check-parity --sample 100%")
        .exits(3);
    assert!(line(&ran, "  ???? audit_transcript: ").contains("a full replay decides"));
    let ran = workspace.run("verify-receipt --check-parity").exits(1);
    line(&ran, "  FAIL parity_checksum: ");
    let workspace = with_forgery(|r| {
        let token = r["tokens"][1].as_u64().unwrap();
        r["tokens"][1] = json!(token ^ 1);
    });
    workspace
        .run("verify-receipt --check-parity --sample 100%")
        .exits(3);
}

#[test]
fn an_audit_that_makes_no_sense_is_a_usage_error() {
    let workspace = with_receipt();
    for flags in [
        "--sample 5%",
        "--check-parity --sample 0%",
        "--check-parity --sample 101%",
        "--check-parity --sample 1.25%",
        "--check-parity --sample five",
        "--check-parity --layers 3..3",
        "--check-parity --layers 3",
        "--check-parity --layers 0..1 --sample 5%",
        "--check-parity --nonce 00",
        "--check-parity --sample 5% --nonce 00",
        "--check-parity --jobs 0",
    ] {
        workspace.run(&format!("verify-receipt {flags}")).exits(2);
    }
}

#[test]
fn any_number_of_jobs_gives_the_same_verdict() {
    let workspace = with_receipt();
    let verdict = |jobs: u32| {
        let words = format!("verify-receipt --check-parity --format json --jobs {jobs}");
        let ran = workspace.run(&words).exits(0);
        let mut verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
        verdict["timeCreated"].take();
        verdict
    };
    assert_eq!(verdict(1), verdict(2));
    assert_eq!(verdict(1), verdict(7));
}

#[test]
fn a_policy_decides_what_counts() {
    let workspace = with_receipt();
    workspace.write(
        "p.toml",
        "require = { min_tokens = 3, parity = 'replayed' }",
    );
    workspace
        .run("verify-receipt --check-parity --policy p.toml")
        .exits(0);
    let ran = workspace.run("verify-receipt --policy p.toml").exits(3);
    assert!(line(&ran, "  ???? policy_parity: ").contains("--check-parity"));
    // Layers that were named are no audit that anybody has to believe.
    workspace.write("p.toml", "require.parity = 'audited'");
    workspace
        .run("verify-receipt --check-parity --layers 0..6 --policy p.toml")
        .exits(3);
    workspace
        .run("verify-receipt --check-parity --sample 5% --policy p.toml")
        .exits(0);
    workspace
        .run("verify-receipt --check-parity --policy p.toml")
        .exits(0);
    workspace.write("p.toml", "require.min_tokens = 4");
    let ran = workspace.run("verify-receipt --policy p.toml").exits(1);
    line(
        &ran,
        "  FAIL policy_min_tokens: found 3, the policy requires 4",
    );
}

#[test]
fn a_policy_that_is_none_is_bad_input() {
    let workspace = with_receipt();
    let run = || workspace.run("verify-receipt --policy p.toml");
    run().fails(5, &["p.toml"]);
    workspace.write("p.toml", "require.min_token = 4");
    run().fails(4, &["p.toml: line 1: ", "min_token"]);
    workspace.write("p.toml", vec![b' '; (1 << 20) + 1]);
    run().fails(4, &["p.toml", "at most 1048576"]);
}

/// The verdict in JSON is a predicate of `https://in-toto.io/attestation/svr/v0.1`: what does not hold
/// is no property.
#[test]
fn a_verdict_as_a_simple_verification_result() {
    let workspace = with_receipt();
    let policy = "require.min_tokens = 3";
    workspace.write("p.toml", policy);
    let result = |flags: &str, code: i32| -> Value {
        let ran = workspace
            .run(&format!("verify-receipt --format json {flags}"))
            .exits(code);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let properties = |flags: &str, code: i32| result(flags, code)["properties"].clone();
    assert_eq!(properties("", 0), json!(["BITRECEIPT_RECEIPT_ACCEPTED"]));
    assert_eq!(
        properties("--check-parity --policy p.toml", 0),
        json!([
            "BITRECEIPT_RECEIPT_ACCEPTED",
            "BITRECEIPT_TOKENS_PROVED",
            "BITRECEIPT_POLICY_MET"
        ])
    );
    assert_eq!(
        properties("--check-parity --sample 5%", 0),
        json!(["BITRECEIPT_RECEIPT_ACCEPTED", "BITRECEIPT_TOKENS_AUDITED"])
    );
    let with_policy = result("--policy p.toml", 0);
    let id = with_policy["verifier"]["id"].as_str().unwrap();
    assert!(
        id.starts_with("https://bitreceipt.dev/verify-receipt/"),
        "{id}"
    );
    let sha256 = host::digest::Digest::of(policy.as_bytes()).to_string();
    assert_eq!(
        with_policy["verifier"]["policy"]["digest"]["sha256"],
        sha256
    );
    let created = with_policy["timeCreated"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.len() == 20, "{created}");

    workspace.write("p.toml", "require.min_tokens = 4");
    assert_eq!(properties("--check-parity --policy p.toml", 1), json!([]));
    workspace.write("p.toml", "require.parity = 'replayed'");
    assert_eq!(properties("--policy p.toml", 3), json!([]));
}
