//! What strangers' files may cost: a terabyte of nothing, and receipts of long runs.

use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use xtask::make_model::{Recipe, Shape, model_header};

use crate::process::{Ran, Workspace};

const TERABYTE: u64 = 1 << 40;

/// What takes no time. Hashing a terabyte takes more than five minutes on any machine.
const AT_ONCE: Duration = Duration::from_secs(60);

/// A model of two layers whose weights are more than a terabyte of zeros, none of which lies on a
/// disk. Returns the size of the file.
fn sparse(workspace: &Workspace, name: &str) -> u64 {
    let shape = Shape {
        n_vocab: 258,
        n_embd: 1 << 19,
        n_layers: 2,
        n_heads: 4096,
        n_kv_heads: 8,
        head_dim: 128,
        n_ff: 1 << 20,
        context_length: 2048,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    };
    let header = model_header(&Recipe::from(&shape), "big").unwrap();
    let bytes = header.to_bytes();
    let n_bytes = bytes.len() as u64 + header.data_bytes();
    workspace.write(name, bytes);
    let file = File::options().write(true).open(workspace.path(name));
    file.unwrap().set_len(n_bytes).unwrap();
    assert!(n_bytes > TERABYTE);
    n_bytes
}

#[track_caller]
fn at_once(workspace: &Workspace, words: &str) -> Ran {
    let start = Instant::now();
    let ran = workspace.run(words);
    assert!(start.elapsed() < AT_ONCE, "{words}");
    ran
}

/// A workspace with the receipt of a short run.
fn with_receipt() -> Workspace {
    let workspace = Workspace::new();
    workspace.run("benchmark -n 3 -p 4 -r 2 --quiet").exits(0);
    workspace
}

/// Changes the receipt and its digest.
fn edit(workspace: &Workspace, edit: impl Fn(&mut Value)) {
    let mut receipt = workspace.receipt_json();
    edit(&mut receipt);
    let sealed = host::receipt::receipt_sha256(&receipt).unwrap();
    receipt["receipt_sha256"] = json!(sealed.to_string());
    workspace.write("ci/inference.json", receipt.to_string());
}

#[test]
fn a_sparse_terabyte_is_shown_at_once() {
    let workspace = with_receipt();
    let n_bytes = sparse(&workspace, "big.gguf");
    let ran = at_once(&workspace, "inspect big.gguf").exits(0);
    let file = format!("file           {n_bytes} bytes");
    for line in [
        &*file,
        "sha256         not computed: add --sha256",
        "supported      not known",
        "layers         2\n",
        "attention      4096 query heads",
        "context        2048 positions",
    ] {
        assert!(ran.stdout.contains(line), "no {line:?} in {}", ran.stdout);
    }
    let json = at_once(&workspace, "inspect big.gguf --format json")
        .exits(0)
        .json();
    for field in ["sha256", "supported", "not_supported_because"] {
        assert_eq!(json[field], Value::Null, "{field}");
    }
    assert_eq!(json["model"]["layers"], 2);
    // What is small is read without being asked.
    let json = workspace
        .run("inspect models/tiny.gguf --format json")
        .exits(0)
        .json();
    assert_eq!(json["sha256"], workspace.receipt_json()["model"]["sha256"]);
    assert_eq!(json["supported"], true);
}

#[test]
fn nobody_hashes_a_terabyte_unasked() {
    let workspace = with_receipt();
    let n_bytes = sparse(&workspace, "big.gguf");
    for words in ["benchmark --model big.gguf", "run big.gguf --prompt a"] {
        at_once(&workspace, words).fails(2, &["memory"]);
    }
    let ran = at_once(&workspace, "verify-receipt --model big.gguf").exits(3);
    let why = "big.gguf is not the receipt's model; name that model";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    assert!(
        ran.stdout.contains(&format!("it has {n_bytes} bytes")),
        "{}",
        ran.stdout
    );
}

/// A receipt and a file beside it that are made for each other.
#[test]
fn a_receipt_of_a_terabyte_is_refused_at_once() {
    let workspace = with_receipt();
    let n_bytes = sparse(&workspace, "models/big.gguf");
    edit(&workspace, |receipt| {
        receipt["model"]["file_bytes"] = json!(n_bytes);
        receipt["model"]["sha256"] = json!("0".repeat(64));
        receipt["host"]["memory_bytes"] = json!(2 * TERABYTE);
    });
    let gigabytes = format!("{:.1}", n_bytes as f64 / 1e9);
    for words in ["verify-receipt", "verify-receipt --model models/big.gguf"] {
        at_once(&workspace, words).fails(2, &["memory", &gigabytes]);
    }
    let words = "verify-receipt --max-bytes 1000000000";
    let ran = at_once(&workspace, words).exits(3);
    let why = format!("not begun: found {n_bytes} bytes of the model");
    assert!(ran.stdout.contains(&why), "{}", ran.stdout);
}

/// What is asked for can be interrupted.
#[cfg(target_os = "linux")]
#[test]
fn hashing_a_terabyte_ends_with_ctrl_c() {
    use std::process::{Command, Stdio};
    let workspace = Workspace::new();
    sparse(&workspace, "big.gguf");
    let words = "inspect big.gguf --sha256 --progress plain";
    let mut command = workspace.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let kill = Command::new("kill")
        .arg("-INT")
        .arg(child.id().to_string())
        .status();
    assert!(kill.unwrap().success());
    let ran = Ran::of(child.wait_with_output().unwrap(), words).exits(130);
    assert!(
        ran.stderr.starts_with("read and hash the model …\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
}

/// Nothing is begun: not even the model is looked for.
#[test]
fn each_allowance_is_said_with_what_to_pass() {
    let workspace = with_receipt();
    let bytes = Path::new(crate::process::TINY).metadata().unwrap().len();
    for (flag, allowed, found) in [
        ("--max-positions", 5, 6),
        ("--max-repetitions", 1, 2),
        ("--max-bytes", bytes - 1, bytes),
    ] {
        let words = format!("verify-receipt --model absent.gguf {flag} {allowed}");
        let ran = workspace.run(&words).exits(3);
        let why = format!("  open parity_replay: not begun: found {found} ");
        assert!(ran.stdout.contains(&why), "{}", ran.stdout);
        let hint = format!("pass {flag} {found} to allow it");
        assert!(ran.stdout.contains(&hint), "{}", ran.stdout);
        let words = format!("verify-receipt {flag} {found}");
        let ran = workspace.run(&words).exits(0);
        assert!(ran.stdout.starts_with("accepted: "), "{}", ran.stdout);
    }
    let ran = workspace.run("verify-receipt --model absent.gguf --max-seconds 0");
    let ran = ran.exits(3);
    assert!(
        ran.stdout
            .contains("not begun: it takes at least 1 seconds"),
        "{}",
        ran.stdout
    );
    workspace.run("verify-receipt --max-seconds 600").exits(0);
    // A receipt that is wrong stays rejected.
    edit(&workspace, |receipt| receipt["tokens_generated"] = json!(7));
    workspace.run("verify-receipt --max-positions 1").exits(1);
}

#[test]
fn a_replay_ends_when_its_time_is_over() {
    let workspace = Workspace::new();
    let words = "benchmark --tokens 2000 --repetitions 1 --warmup 0 --parity off --quiet";
    workspace.run(words).exits(0);
    for words in ["", "--sample 90%"] {
        let start = Instant::now();
        let ran = workspace.run(&format!("verify-receipt --max-seconds 1 {words}"));
        let ran = ran.exits(3);
        assert!(start.elapsed() < AT_ONCE);
        let why = "open parity_replay: stopped: the time of --max-seconds is over";
        assert!(ran.stdout.contains(why), "{}", ran.stdout);
        assert_eq!(ran.stderr, "");
    }
}
