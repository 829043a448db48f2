//! `verify-receipt --bundle --public-key`: rejected by the rule that is there for it.

use serde_json::{Value, json};

use crate::{
    process::Ran,
    signing::{BUNDLE, VERIFY, sign, with_bundle},
};

/// Rejected by this rule, which stands on a line of the verdict.
#[track_caller]
fn assert_rejected(ran: Ran, rule: &str) {
    let ran = ran.exits(1);
    let line = format!("  FAIL {rule}: ");
    assert!(
        ran.stdout.contains(&line),
        "no {line:?} in:\n{}",
        ran.stdout
    );
    let last = ran.stdout.lines().last().unwrap();
    assert_eq!(
        last,
        format!("signed by: nobody, as far as is known ({rule})")
    );
}

#[test]
fn bundle_and_public_key_need_each_other() {
    let workspace = with_bundle();
    let alone = workspace.run(&format!("verify-receipt --bundle {BUNDLE}"));
    alone.refuses_words(&["--public-key"]);
    let alone = workspace.run("verify-receipt --public-key my.key.pub");
    alone.refuses_words(&["--bundle"]);
}

#[test]
fn an_edited_receipt_with_the_old_bundle_is_rejected() {
    let workspace = with_bundle();
    let mut receipt = workspace.receipt_json();
    receipt["created"] = json!("2025-12-31T23:59:59Z");
    let sealed = host::receipt::receipt_sha256(&receipt).unwrap();
    receipt["receipt_sha256"] = json!(sealed.to_string());
    workspace.write("ci/inference.json", receipt.to_string());
    workspace.run("verify-receipt").exits(0);
    assert_rejected(workspace.run(VERIFY), "bundle_receipt");
}

#[test]
fn another_key_is_rejected() {
    let workspace = with_bundle();
    workspace.run("keygen --output other.key").exits(0);
    let words = VERIFY.replace("my.key", "other.key");
    assert_rejected(workspace.run(&words), "bundle_signature");
    sign(&workspace, "--quiet --sign other.key").refuses_words(&["--sign"]);
    let resigned = workspace.benchmark("--parity full --quiet --sign other.key");
    resigned.exits(0);
    workspace.run(&words).exits(0);
    assert_rejected(workspace.run(VERIFY), "bundle_signature");
}

#[test]
fn hostile_bundles_are_rejected() {
    let workspace = with_bundle();
    let genuine = workspace.read(BUNDLE);
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut bundle = serde_json::from_slice(&genuine).unwrap();
        edit(&mut bundle);
        bundle.to_string().into_bytes()
    };
    let signature = "bundle_signature";
    for (bytes, rule) in [
        (b"".to_vec(), "bundle_envelope"),
        (b"\xff\xfe".to_vec(), "bundle_envelope"),
        (genuine[..200].to_vec(), "bundle_envelope"),
        ("[".repeat(60_000).into_bytes(), "bundle_envelope"),
        (edited(&|e| e["signatures"] = json!([])), "bundle_envelope"),
        (
            edited(&|e| e["payloadType"] = json!("x\naccepted: y")),
            "bundle_envelope",
        ),
        (edited(&|e| e["payload"] = json!("e30=")), signature),
        (
            edited(&|e| e["signatures"][0]["sig"] = json!("AAAA")),
            signature,
        ),
    ] {
        workspace.write(BUNDLE, bytes);
        let ran = workspace.run(VERIFY);
        let shown = ran.stdout.replace('\n', "");
        assert!(!shown.contains(char::is_control), "{shown:?}");
        assert!(!ran.stdout.contains("\naccepted"), "{}", ran.stdout);
        assert_rejected(ran, rule);
    }
    // A keyid is nobody's word: it is shown, and decides nothing.
    let keyid = edited(&|e| e["signatures"][0]["keyid"] = json!("\u{1b}[2K\naccepted"));
    workspace.write(BUNDLE, keyid);
    let ran = workspace.run(VERIFY).exits(0);
    let shown = ran.stdout.replace('\n', "");
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(ran.stdout.contains("note bundle_keyid: "), "{}", ran.stdout);
    std::fs::remove_file(workspace.path(BUNDLE)).unwrap();
    workspace.run(VERIFY).fails(5, &[BUNDLE, "No such file"]);
}

#[test]
fn a_bundle_of_65_mib_is_not_read_to_its_end() {
    let workspace = with_bundle();
    let file = std::fs::File::create(workspace.path(BUNDLE)).unwrap();
    file.set_len(65 << 20).unwrap();
    assert_rejected(workspace.run(VERIFY), "bundle_envelope");
}
