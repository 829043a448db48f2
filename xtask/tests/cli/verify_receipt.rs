//! `verify-receipt`: every conclusion with its exit code, and what the verdict says.

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use host::receipt::seal;
use serde_json::{Value, json};
use xtask::selftest::forge;

use crate::{
    process::{Ran, Workspace},
    signing::{BUNDLE, with_bundle},
};

/// A genuine receipt of 6 positions, made once.
static GENUINE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let workspace = Workspace::new();
    let words = "benchmark --deterministic --tokens 3 --prompt-tokens 4 --repetitions 2 --quiet";
    workspace.run(words).exits(0);
    workspace.read("ci/inference.json")
});

/// What a verdict says of the tokens that a replay has proved.
pub const PROVED: &str = "tokens: proved by a replay, bit for bit (6 positions)";

/// A workspace with the genuine receipt in its place.
pub fn with_receipt() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("ci/inference.json", &*GENUINE);
    workspace
}

/// A workspace with an edited receipt whose digest was recomputed.
pub fn with_forgery(edit: impl FnOnce(&mut Value)) -> Workspace {
    let workspace = Workspace::new();
    let mut receipt = serde_json::from_slice(&GENUINE).unwrap();
    edit(&mut receipt);
    seal(&mut receipt);
    workspace.write("ci/inference.json", receipt.to_string());
    workspace
}

/// The line of a verdict that starts with `start`, which must be one.
#[track_caller]
pub fn line<'r>(ran: &'r Ran, start: &str) -> &'r str {
    let mut lines = ran.stdout.lines().filter(|line| line.starts_with(start));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no {start} in:\n{}", ran.stdout));
    assert_eq!(lines.next(), None, "{}", ran.stdout);
    line
}

/// The first line of a verdict, without the numbers in it.
fn conclusion(ran: &Ran) -> String {
    let first = ran.stdout.lines().next().unwrap_or_default();
    first.replace(|c: char| c.is_ascii_digit(), "")
}

#[test]
fn a_replay_proves_the_tokens_and_speed_stays_a_claim() {
    let workspace = with_receipt();
    let ran = workspace.run("verify-receipt").exits(0);
    assert_eq!(
        conclusion(&ran),
        "accepted: ci/inference.json ( rules hold)"
    );
    assert_eq!(line(&ran, "tokens: "), PROVED);
    let (proved, claimed) = ran
        .stdout
        .split_once("not proved, the writer's word:\n")
        .expect(&ran.stdout);
    assert!(!proved.contains("tokens/s"), "{proved}");
    assert!(claimed.starts_with("  tokens/s  "), "{claimed}");
    let sha256 = &workspace.receipt_json()["model"]["sha256"];
    let sha256 = &sha256.as_str().unwrap()[..32];
    assert!(proved.contains(&format!("sha256 {sha256}…")), "{proved}");
    assert_eq!(ran.stderr, "");
    // The default, said aloud; and the receipt, named.
    for words in [
        "--check-parity",
        "ci/inference.json",
        "--path ci/inference.json",
        "ci/../ci/inference.json --model models/tiny.gguf",
    ] {
        let ran = workspace.run(&format!("verify-receipt {words}")).exits(0);
        assert_eq!(line(&ran, "tokens: "), PROVED, "{words}");
    }
    workspace.run("verify-receipt a --path b").exits(2);
    workspace.run("verify-receipt a b").exits(2);
    let help = workspace.run("verify-receipt --help").exits(0);
    assert!(help.stdout.contains("[RECEIPT]"), "{}", help.stdout);
    assert!(!help.stdout.contains("--path"), "{}", help.stdout);
}

#[test]
fn without_a_replay_nothing_is_accepted() {
    let workspace = with_receipt();
    let ran = workspace.run("verify-receipt --no-replay").exits(3);
    assert_eq!(
        conclusion(&ran),
        "unverifiable: ci/inference.json ( rules hold; tokens not replayed)"
    );
    assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
    let open = "  open parity_replay: left out because of --no-replay; verify again without it";
    assert_eq!(line(&ran, "  open "), open);
    // Named, the model is looked at; that is no replay either.
    let named = "verify-receipt --no-replay --model models/tiny.gguf";
    let ran = workspace.run(named).exits(3);
    assert_eq!(line(&ran, "  open "), open);
    for flags in ["--check-parity", "--sample 5%", "--layers 0..1"] {
        workspace
            .run(&format!("verify-receipt --no-replay {flags}"))
            .refuses_words(&["--no-replay", flags.split(' ').next().unwrap()]);
    }
}

/// The exit code says it all; JSON that is asked for is printed all the same.
#[test]
fn quiet_leaves_the_exit_code() {
    for (workspace, flags, code) in [
        (with_receipt(), "", 0),
        (with_receipt(), "--no-replay", 3),
        (with_forgery(|r| r["backend"] = json!("metal")), "", 1),
    ] {
        let words = format!("verify-receipt --quiet {flags}");
        let ran = workspace.run(&words).exits(code);
        assert_eq!((&ran.stdout[..], &ran.stderr[..]), ("", ""), "{words}");
        let ran = workspace.run(&format!("{words} --format json")).exits(code);
        assert!(ran.json()["rules"].is_array());
    }
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
    let ran = fresh.run("verify-receipt --challenge c0ffee").exits(0);
    assert_eq!(line(&ran, "tokens: "), PROVED);
    let unseen = "verify-receipt --challenge c0ffee --no-replay";
    fresh.run(unseen).exits(3);
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

/// However many repetitions a receipt has, and whatever its speed: the run here has bounds, and is the
/// measure of the speed where the CPU is of the same model.
#[test]
fn retiming_is_judged_and_has_bounds() {
    let workspace = with_receipt();
    let mut receipt = workspace.receipt_json();
    let steps = receipt["run"]["tokens"].as_u64().unwrap() as usize - 1;
    let n = 2000;
    let claim = json!({
        "load_ns": 9, "prefill_ns": vec![30_000; n], "decode_ns": vec![vec![6_000; steps]; n],
    });
    forge::claim_samples(&mut receipt, claim);
    workspace.write("ci/fast.json", receipt.to_string());
    let flags = "--retime --format json";
    let ran = workspace
        .run(&format!("verify-receipt ci/fast.json {flags}"))
        .exits(1);
    let verdict = ran.json();
    assert_eq!(verdict["retimed"]["here_repetitions"], 3);
    let rules = verdict["rules"].as_array().unwrap().iter();
    let failed: Vec<_> = rules.filter(|rule| rule["outcome"] == "fail").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["rule"], "policy_retime");
    // Of another CPU, it is only doubtful.
    receipt["host"]["cpu_model"] = json!("a faster one");
    seal(&mut receipt);
    workspace.write("ci/fast.json", receipt.to_string());
    let ran = workspace
        .run("verify-receipt ci/fast.json --retime")
        .exits(0);
    line(&ran, "  note policy_retime: ");
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
    assert!(!retimed.contains(" threads of "), "{retimed}");
    let ran = workspace
        .run("verify-receipt --retime --format json")
        .exits(0);
    let retimed = &ran.json()["retimed"];
    assert_eq!(retimed["same_tokens"], true);
    assert_eq!(retimed["receipt_threads"], 1);
    assert_eq!(retimed["here_threads"], 1);
    assert!(retimed["here_tokens_per_sec"].as_f64() > Some(0.0));
    assert!(retimed["ratio"].as_f64() > Some(0.0));
    assert!(retimed["is_disturbed"].is_boolean());
    assert_eq!(retimed["same_cpu"], true);
    // Not replayed, but run: that proves no token.
    let ran = workspace
        .run("verify-receipt --retime --no-replay")
        .exits(3);
    line(&ran, "retimed: ");
    assert_eq!(line(&ran, "tokens: "), "tokens: not replayed");
}

/// A receipt says how many threads; this machine says how many there are.
#[test]
fn retiming_takes_no_more_threads_than_there_are() {
    let workspace = with_forgery(|r| {
        r["run"]["threads"] = json!(1024);
        r["environment"]["RAYON_NUM_THREADS"] = json!("1024");
        r["environment"]["BITNET_DETERMINISTIC"] = json!("0");
        r["host"]["logical_cores"] = json!(1024);
    });
    let ran = workspace.run("verify-receipt --retime").exits(0);
    let cores = host::machine::logical_cores();
    let said = format!(" with {cores} threads of the receipt's 1024: this machine has no more");
    let retimed = line(&ran, "retimed: ");
    assert!(retimed.ends_with(&said), "{retimed}");
    let words = "verify-receipt --retime --format json";
    let retimed = &workspace.run(words).exits(0).json()["retimed"];
    assert_eq!(retimed["receipt_threads"], 1024);
    assert_eq!(retimed["here_threads"], cores);
}

#[test]
fn a_verdict_as_json() {
    let workspace = with_receipt();
    let verdict = |flags: &str, code: i32| {
        let words = format!("verify-receipt --format json {flags}");
        workspace.run(&words).exits(code).json()
    };
    let found = verdict("", 0);
    assert_eq!(found["conclusion"], "accepted");
    assert_eq!(found["tokens"], PROVED.strip_prefix("tokens: ").unwrap());
    assert_eq!(found["replayed"], "everything");
    let rules = found["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["outcome"] == "pass"));
    for absent in ["retimed", "speed", "audit", "signed_by"] {
        assert_eq!(found.get(absent), None, "{absent}");
    }
    // What was judged, so that a program need not read the receipt as well.
    let (said, receipt) = (&found["receipt"], workspace.receipt_json());
    for (pointer, of_receipt) in [
        ("/receipt_sha256", "/receipt_sha256"),
        ("/tokens", "/run/tokens"),
        ("/checksum", "/parity/checksum"),
        ("/model/sha256", "/model/sha256"),
        ("/model/file_name", "/model/file_name"),
        ("/claimed/tokens_per_sec", "/tokens_per_sec"),
        ("/claimed/prefill_tokens_per_sec", "/prefill_tokens_per_sec"),
        ("/claimed/decode_tokens_per_sec", "/decode_tokens_per_sec"),
        ("/claimed/threads", "/run/threads"),
        ("/claimed/cpu", "/host/cpu_model"),
        ("/claimed/created", "/created"),
    ] {
        let expected = receipt.pointer(of_receipt).unwrap();
        assert_eq!(said.pointer(pointer), Some(expected), "{pointer}");
    }
    assert_eq!(said["replayed_by_writer"], true);
    for (flags, code, replayed) in [
        ("--no-replay", 3, "nothing"),
        ("--layers 0..2", 0, "layers"),
        ("--sample 5%", 0, "sample"),
        ("--sample 100%", 0, "sample"),
    ] {
        assert_eq!(verdict(flags, code)["replayed"], replayed, "{flags}");
    }
}

/// The writer left its replay out: ours proves the tokens, unless a policy wants both.
#[test]
fn a_run_without_parity_is_worth_the_verifiers_replay() {
    let workspace = Workspace::new();
    workspace.benchmark("--quiet").exits(0);
    let ran = workspace.run("verify-receipt").exits(0);
    assert!(line(&ran, "  note parity_status").contains("--parity off"));
    line(&ran, "  note parity_fuel");
    assert_eq!(line(&ran, "tokens: "), PROVED);
    workspace.run("verify-receipt --no-replay").exits(3);
    workspace.write("p.toml", "require.writer_proof = true");
    let ran = workspace.run("verify-receipt --policy p.toml").exits(1);
    line(&ran, "  FAIL policy_writer_proof: ");

    let mut forged = workspace.receipt_json();
    forged["tokens"] = json!([7, 7, 7]);
    seal(&mut forged);
    workspace.write("ci/inference.json", forged.to_string());
    let ran = workspace.run("verify-receipt").exits(1);
    line(&ran, "  FAIL parity_tokens");
}

/// A release of another guest does not turn its receipts into lies, nor into truths.
#[test]
fn a_receipt_of_another_guest_is_worth_the_verifiers_replay() {
    let other = json!("ab".repeat(32));
    let workspace = with_forgery(|r| r["parity"]["guest_sha256"] = other.clone());
    let ran = workspace.run("verify-receipt").exits(0);
    line(&ran, "  note guest_sha256: ");
    line(&ran, "  note parity_fuel: ");
    assert_eq!(line(&ran, "tokens: "), PROVED);
    workspace.run("verify-receipt --sample 30%").exits(0);
    workspace.run("verify-receipt --no-replay").exits(3);
    let ours = host::guest::guest_sha256();
    workspace.write("p.toml", format!("accept.guests = ['{ours}']"));
    let ran = workspace.run("verify-receipt --policy p.toml").exits(1);
    line(&ran, "  FAIL policy_guest: ");

    let workspace = with_forgery(|r| {
        r["parity"]["guest_sha256"] = other;
        r["tokens"] = json!([7, 7, 7]);
    });
    let ran = workspace.run("verify-receipt").exits(3);
    line(&ran, "  open parity_tokens: ");
    line(&ran, "  open parity_checksum: ");
    assert!(line(&ran, "tokens: ").starts_with("tokens: not proved (position 3: "));
    assert_eq!(
        conclusion(&ran),
        "unverifiable: ci/inference.json ( rules hold)"
    );
}

#[test]
fn forged_tokens_are_refuted_without_any_flag() {
    let workspace = with_forgery(|r| r["tokens"] = json!([1, 2, 3]));
    workspace.run("verify-receipt --no-replay").exits(3);
    let ran = workspace.run("verify-receipt").exits(1);
    assert_eq!(
        conclusion(&ran),
        "rejected: ci/inference.json ( of  rules broken)"
    );
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
    let ran = workspace.run("verify-receipt").exits(1);
    let first = line(&ran, "rejected: ");
    assert!(
        first.starts_with("rejected: ci/inference.json (2 of "),
        "{first}"
    );
    line(&ran, "  FAIL backend");
    line(&ran, "  FAIL tokens_per_sec");
    // The tokens are right all the same, and the verdict says so.
    assert_eq!(line(&ran, "tokens: "), PROVED);
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
        "/host/os",
        "/build/git_commit",
        "/model/file_name",
        "/backend",
        "/run/prompt/kind",
        "/receipt_schema",
    ] {
        let workspace = with_forgery(|r| *r.pointer_mut(key).unwrap() = json!(lie));
        let ran = workspace.run("verify-receipt --retime");
        line(&ran, "tokens: ");
        let shown = ran.stdout.replace('\n', "") + &ran.stderr.replace('\n', "");
        assert!(!shown.contains(char::is_control), "{key}: {shown:?}");
        let n_accepted = ran.stdout.matches("\naccepted").count();
        assert_eq!(n_accepted, 0, "{key}: {}", ran.stdout);
    }
}

/// Nor can its file's name, which came with it.
#[cfg(unix)]
#[test]
fn a_file_name_cannot_write_into_the_verdict() {
    let workspace = with_forgery(|r| r["backend"] = json!("metal"));
    let name = "r\naccepted: y.json (48 rules hold)\u{1b}[2K";
    std::fs::rename(workspace.receipt(), workspace.path(name)).unwrap();
    for (words, code) in [("verify-receipt", 1), ("show", 0)] {
        let mut command = workspace.command(words);
        let ran = Ran::of(command.arg(name).output().unwrap(), words).exits(code);
        let shown = ran.stdout.replace('\n', "");
        assert!(!shown.contains(char::is_control), "{shown:?}");
        assert!(!ran.stdout.contains("\naccepted"), "{}", ran.stdout);
    }
}

#[test]
fn files_that_are_no_receipt() {
    let workspace = Workspace::new();
    let verify = |content: &[u8]| {
        workspace.write("ci/inference.json", content);
        workspace.run("verify-receipt")
    };
    verify(b"").fails(
        4,
        &["ci/inference.json: not a receipt: the file is empty; name the"],
    );
    verify(&GENUINE[..100]).fails(
        4,
        &[
            "ci/inference.json",
            "not JSON: ",
            "(line ",
            "; name the file",
        ],
    );
    verify(b"\xff\xfe").fails(4, &["ci/inference.json"]);
    verify("[".repeat(100_000).as_bytes()).fails(4, &["recursion limit"]);
    for other in [
        "[]",
        "null",
        "7",
        "{}",
        "{\"hello\":1}",
        "{\"schema_version\":1}",
    ] {
        let parts = ["ci/inference.json: not a receipt: ", "schema_version"];
        verify(other.as_bytes()).fails(4, &parts);
    }
    workspace
        .run("verify-receipt absent.json")
        .fails(5, &["absent.json", "No such file"]);
    workspace.run("verify-receipt ci").fails(5, &["ci: "]);
}

/// People hand in the file beside the one that is meant.
#[test]
fn other_files_are_called_by_their_name() {
    let workspace = with_bundle();
    let verdict = workspace.run("verify-receipt --format json").exits(0);
    workspace.write("verdict.json", verdict.stdout);
    let bundle: Value = serde_json::from_slice(&workspace.read(BUNDLE)).unwrap();
    let payload = bundle["payload"].as_str().unwrap();
    workspace.write("statement.json", Base64::decode_vec(payload).unwrap());
    let transcript = json!({ "version": 1, "prompt_ids": [1], "tokens": [2] });
    workspace.write("transcript.json", transcript.to_string());
    for (file, what) in [
        (BUNDLE, "this is a bundle, the signature of a receipt; "),
        ("statement.json", "this is an in-toto statement, "),
        (
            "transcript.json",
            "this is a transcript of another engine; ",
        ),
        ("verdict.json", "this is a verdict on a receipt, "),
        (
            "my.key",
            "this is a key, not a receipt; name it with --public-key",
        ),
        ("my.key.pub", "this is a key, "),
        (
            "models/tiny.gguf",
            "this is a GGUF model, not a receipt; name the receipt, and add the model with --model",
        ),
    ] {
        for words in ["verify-receipt", "show"] {
            let ran = workspace.run(&format!("{words} {file}"));
            ran.fails(4, &[file, what]);
        }
    }
    // However large it is.
    let model = std::fs::File::options()
        .write(true)
        .open(workspace.path("models/tiny.gguf"));
    model.unwrap().set_len(65 << 20).unwrap();
    let ran = workspace.run("verify-receipt models/tiny.gguf");
    ran.fails(4, &["this is a GGUF model"]);
}

/// What another version means is not guessed, and who knows it is said.
#[test]
fn receipts_of_other_versions_are_unverifiable() {
    let workspace = Workspace::new();
    let verify = |content: &str| {
        workspace.write("ci/inference.json", content);
        workspace.run("verify-receipt").exits(3)
    };
    let old = verify(r#"{"schema_version":"1.0","compute_path":"real","kernels":["i2s_"]}"#);
    let found = line(&old, "  open schema_version: ");
    assert!(
        found.contains("found schema_version \"1.0\" with "),
        "{found}"
    );
    assert_eq!(
        conclusion(&old),
        "unverifiable: ci/inference.json ( rules hold; tokens not replayed)"
    );
    // What this program wrote before it had `receipt_schema`, and what it may write one day.
    let genuine: Value = serde_json::from_slice(&GENUINE).unwrap();
    let writer = format!(
        "check the receipt with the build that wrote it: version {}, commit {}",
        genuine["environment"]["BITNET_VERSION"].as_str().unwrap(),
        genuine["build"]["git_commit"].as_str().unwrap(),
    );
    let mut other = genuine.clone();
    other.as_object_mut().unwrap().remove("receipt_schema");
    let ran = verify(&other.to_string());
    assert!(line(&ran, "  open schema_version: ").ends_with(&writer));
    other["receipt_schema"] = json!("9.0.0");
    let ran = verify(&other.to_string());
    assert!(line(&ran, "  open schema_version: ").ends_with(&writer));
    let ran = workspace.run("verify-receipt --format json").exits(3);
    assert_eq!(ran.json()["receipt"], Value::Null);
    assert_eq!(ran.json()["properties"], json!([]));
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
        // The file is found by its digest, whatever the receipt calls it.
        assert_eq!(line(&ran, "tokens: "), PROVED);
    }
}

/// Without a replay only the run here can tell.
#[test]
fn retiming_that_finds_other_tokens_is_a_rejection() {
    let workspace = with_forgery(|r| r["tokens"] = json!([1, 2, 3]));
    let ran = workspace
        .run("verify-receipt --no-replay --retime")
        .exits(1);
    line(&ran, "  FAIL retime_tokens");
    line(&ran, "retimed: ");
}

#[test]
fn any_number_of_jobs_gives_the_same_verdict() {
    let workspace = with_receipt();
    let verdict = |jobs: u32| {
        let words = format!("verify-receipt --format json --jobs {jobs}");
        let ran = workspace.run(&words).exits(0);
        let mut verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
        verdict["timeCreated"].take();
        verdict
    };
    assert_eq!(verdict(1), verdict(2));
    assert_eq!(verdict(1), verdict(7));
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
    assert_eq!(properties("--no-replay", 3), json!([]));
    assert_eq!(
        properties("--layers 0..6", 0),
        json!(["BITRECEIPT_RECEIPT_ACCEPTED"])
    );
    assert_eq!(
        properties("", 0),
        json!(["BITRECEIPT_RECEIPT_ACCEPTED", "BITRECEIPT_TOKENS_PROVED"])
    );
    assert_eq!(
        properties("--policy p.toml", 0),
        json!([
            "BITRECEIPT_RECEIPT_ACCEPTED",
            "BITRECEIPT_TOKENS_PROVED",
            "BITRECEIPT_POLICY_MET"
        ])
    );
    assert_eq!(
        properties("--sample 5%", 0),
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
    assert_eq!(properties("--policy p.toml", 1), json!([]));
    workspace.write("p.toml", "require.parity = 'replayed'");
    assert_eq!(properties("--sample 5% --policy p.toml", 3), json!([]));
}

/// The badge says what this verification found, and nothing that it did not.
#[test]
fn a_badge_follows_from_the_verdict() {
    let workspace = with_receipt();
    let badge = |words: &str, code| {
        workspace
            .run(&format!(
                "verify-receipt -q --export-badge badge.json {words}"
            ))
            .exits(code);
        let badge: Value = serde_json::from_slice(&workspace.read("badge.json")).unwrap();
        assert_eq!(badge["schemaVersion"], 1);
        let text = |key: &str| badge[key].as_str().unwrap().to_owned();
        (text("label"), text("message"))
    };
    let (label, message) = badge("", 0);
    assert_eq!(label, "tokens: proved");
    assert!(message.ends_with(" tok/s claimed"), "{message}");
    assert_eq!(badge("--sample 50%", 0).0, "tokens: audited");
    assert_eq!(badge("--no-replay", 3).0, "tokens: not checked");
    let forged = with_forgery(|r| r["tokens_per_sec"] = json!(1e9));
    forged
        .run("verify-receipt -q --export-badge badge.json")
        .exits(1);
    let badge: Value = serde_json::from_slice(&forged.read("badge.json")).unwrap();
    assert_eq!(badge["label"], "receipt: rejected");
    assert_eq!(badge["message"], "no number");
    workspace
        .run("verify-receipt -q --export-badge nowhere/badge.json")
        .fails(5, &["nowhere"]);
}
