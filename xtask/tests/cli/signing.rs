//! `benchmark --sign`: a bundle beside its receipt, or none.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::process::{Ran, Workspace};

/// Checks the receipt and its bundle.
pub const VERIFY: &str =
    "verify-receipt --bundle ci/inference.json.dsse.json --public-key my.key.pub";
/// Where the bundle of the receipt goes.
pub const BUNDLE: &str = "ci/inference.json.dsse.json";

/// The files of a signed run, made once.
static GENUINE: LazyLock<[(&str, Vec<u8>); 4]> = LazyLock::new(|| {
    let workspace = with_key();
    sign(&workspace, "--quiet").exits(0);
    ["my.key", "my.key.pub", "ci/inference.json", BUNDLE].map(|name| (name, workspace.read(name)))
});

/// A workspace with a key.
pub fn with_key() -> Workspace {
    let workspace = Workspace::new();
    workspace.run("keygen --output my.key").exits(0);
    workspace
}

/// A workspace with a key, a receipt and its bundle.
pub fn with_bundle() -> Workspace {
    let workspace = Workspace::new();
    for (name, content) in &*GENUINE {
        workspace.write(name, content);
    }
    set_mode(&workspace, "my.key", 0o600);
    workspace
}

/// Runs a small benchmark that is replayed and signed.
pub fn sign(workspace: &Workspace, words: &str) -> Ran {
    workspace.benchmark(&format!("--parity full --sign my.key {words}"))
}

pub fn set_mode(workspace: &Workspace, name: &str, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(workspace.path(name), permissions).unwrap();
    }
    #[cfg(not(unix))]
    let _ = (workspace, name, mode);
}

fn keyid(ran: &Ran) -> &str {
    let line = ran
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("keyid: "));
    line.expect("keygen shows it")
}

#[test]
fn a_signed_receipt_names_its_signer() {
    let workspace = Workspace::new();
    let made = workspace.run("keygen --output my.key").exits(0);
    let ran = sign(&workspace, "").exits(0);
    let bundle = format!("\nbundle:   {BUNDLE}, signed by {}\n", keyid(&made));
    assert!(ran.stdout.contains(&bundle), "{}", ran.stdout);
    assert_eq!(
        workspace.names("ci"),
        ["inference.json", "inference.json.dsse.json"]
    );

    let ran = workspace.run(VERIFY).exits(0);
    assert!(ran.stdout.starts_with("accepted: "), "{}", ran.stdout);
    let signed_by = format!("\nsigned by: {}\n", keyid(&made));
    assert!(ran.stdout.ends_with(&signed_by), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("\nnot proved, the writer's word:\n  tokens/s  "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("  note bundle_binary: "),
        "{}",
        ran.stdout
    );

    let verdict = workspace
        .run(&format!("{VERIFY} --format json"))
        .exits(0)
        .json();
    assert_eq!(verdict["signed_by"], keyid(&made));
    let unasked = workspace
        .run("verify-receipt --format json")
        .exits(0)
        .json();
    assert_eq!(unasked.get("signed_by"), None);
}

/// Whoever has only the digest of the program that ran finds it in the statement.
#[test]
fn the_binary_is_the_running_executable() {
    use base64ct::{Base64, Encoding};
    let workspace = with_bundle();
    let bundle: Value = serde_json::from_slice(&workspace.read(BUNDLE)).unwrap();
    let payload = Base64::decode_vec(bundle["payload"].as_str().unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&payload).unwrap();
    let binary = std::fs::read(env!("CARGO_BIN_EXE_xtask")).unwrap();
    let digest = host::digest::Digest::of(&binary).to_string();
    let subjects = statement["subject"].as_array().unwrap();
    let names: Vec<&Value> = subjects.iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["receipt", "model", "binary", "guest"]);
    assert_eq!(subjects[2]["digest"], json!({ "sha256": digest }));
}

#[test]
fn standard_output_stays_the_receipt() {
    let workspace = with_key();
    let ran = sign(&workspace, "--format json").exits(0);
    assert_eq!(ran.stdout.as_bytes(), workspace.read("ci/inference.json"));
    let quiet = sign(&workspace, "--quiet").exits(0);
    assert_eq!((&quiet.stdout[..], &quiet.stderr[..]), ("", ""));
    workspace.run(VERIFY).exits(0);
}

#[test]
fn nothing_unproved_is_signed() {
    let workspace = with_key();
    let ran = workspace.benchmark("--sign my.key --parity off");
    ran.fails(2, &["--sign", "--parity off", "nothing unproved is signed"]);
    assert!(workspace.names("ci").is_empty());
}

#[test]
fn an_unsigned_receipt_has_no_bundle_beside_it() {
    let workspace = with_bundle();
    let ran = workspace.benchmark("").exits(0);
    let said = format!("bundle:   the old one is now {BUNDLE}.stale\n");
    assert!(ran.stdout.ends_with(&said), "{}", ran.stdout);
    let names = ["inference.json", "inference.json.dsse.json.stale"];
    assert_eq!(workspace.names("ci"), names);
}

/// Not run is not wrong: the old pair stays together.
#[test]
fn a_run_that_was_refused_leaves_receipt_and_bundle_as_they_were() {
    let workspace = with_bundle();
    sign(&workspace, "--tokens 4000").fails(2, &["context"]);
    for (name, content) in &*GENUINE {
        assert_eq!(workspace.read(name), *content, "{name}");
    }
}
