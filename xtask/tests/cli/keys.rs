//! `keygen`, and keys that cannot be used: refused in one line that shows nothing of them.

use crate::{
    process::{Ran, Workspace},
    signing::{BUNDLE, VERIFY, set_mode, sign, with_bundle, with_key},
};

#[cfg(unix)]
#[test]
fn a_new_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::new();
    let ran = workspace.run("keygen --output ci/my.key").exits(0);
    let mode = |name: &str| {
        workspace
            .path(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("ci/my.key"), mode("ci/my.key.pub")), (0o600, 0o644));
    assert_eq!(workspace.names("ci"), ["my.key", "my.key.pub"]);
    let private = String::from_utf8(workspace.read("ci/my.key")).unwrap();
    assert!(
        private.starts_with("-----BEGIN PRIVATE KEY-----\n"),
        "{private}"
    );
    assert!(!shows_key(&ran, &private), "{}", ran.stdout);
}

#[test]
fn a_key_is_never_replaced() {
    let workspace = with_key();
    let files = || (workspace.read("my.key"), workspace.read("my.key.pub"));
    let before = files();
    let again = workspace.run("keygen --output my.key");
    again.fails(5, &["my.key: exists and is never replaced"]);
    assert_eq!(files(), before);
    // Nor half a pair.
    workspace.write("other.key.pub", "somebody's");
    let half = workspace.run("keygen --output other.key");
    half.fails(5, &["other.key.pub: exists and is never replaced"]);
    assert!(!workspace.path("other.key").exists());
    assert_eq!(workspace.read("other.key.pub"), b"somebody's");
    workspace.run("keygen --output absent/my.key").fails(
        5,
        &["absent/my.key: there is no folder absent; make it first, or name another place"],
    );
    workspace.run("keygen").refuses_words(&["--output"]);
}

/// The model is missing too: the message is about the key, so nothing was run before.
#[test]
fn a_key_that_cannot_be_used_is_found_before_the_run() {
    let workspace = with_key();
    workspace.write("no.key", "no key");
    set_mode(&workspace, "no.key", 0o600);
    for (key, code, part) in [
        ("absent.key", 5, "No such file"),
        ("ci", 5, "is not a regular file"),
        ("no.key", 4, "found no key, allowed an ed25519 private key"),
    ] {
        let words = format!("--parity full --model absent.gguf --sign {key}");
        let ran = workspace.benchmark(&words).fails(code, &[key, part]);
        assert!(!ran.stderr.contains("absent.gguf"), "{}", ran.stderr);
    }
    assert!(workspace.names("ci").is_empty());
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused_with_what_mends_it() {
    let workspace = with_key();
    for (mode, shown) in [
        (0o644, "0644"),
        (0o640, "0640"),
        (0o604, "0604"),
        (0o620, "0620"),
    ] {
        set_mode(&workspace, "my.key", mode);
        sign(&workspace, "").fails(
            4,
            &["my.key", &format!("found mode {shown}"), "chmod 600 my.key"],
        );
    }
    for mode in [0o600, 0o400] {
        set_mode(&workspace, "my.key", mode);
        sign(&workspace, "--quiet").exits(0);
    }
}

/// A slip of the keyboard must not cost a key.
#[test]
fn the_key_is_not_replaced_by_its_result() {
    let workspace = with_key();
    let key = workspace.read("my.key");
    sign(&workspace, "--output my.key").fails(5, &["my.key: is the key that is read"]);
    std::fs::rename(workspace.path("my.key"), workspace.path("r.dsse.json")).unwrap();
    let words = "--parity full --sign r.dsse.json --output r";
    let ran = workspace.benchmark(words);
    ran.fails(5, &["r.dsse.json: is the key that is read"]);
    assert_eq!(workspace.read("r.dsse.json"), key);
}

#[test]
fn what_is_no_public_key_is_bad_input() {
    let workspace = with_bundle();
    let private = VERIFY.replace("my.key.pub", "my.key");
    let parts = [
        "my.key",
        "found a private key, allowed an ed25519 public key",
    ];
    workspace.run(&private).fails(4, &parts);
    workspace.write("my.key.pub", "no key");
    workspace
        .run(VERIFY)
        .fails(4, &["my.key.pub", "found no key"]);
    workspace.write("my.key.pub", vec![b'-'; 1 << 20]);
    workspace
        .run(VERIFY)
        .fails(4, &["my.key.pub", "allowed at most 16384"]);
    std::fs::remove_file(workspace.path("my.key.pub")).unwrap();
    workspace
        .run(VERIFY)
        .fails(5, &["my.key.pub", "No such file"]);
}

/// Whether the process showed eight characters in a row of the key's body.
fn shows_key(ran: &Ran, key: &str) -> bool {
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    let mut runs = body.as_bytes().windows(8);
    runs.any(|run| shown.contains(std::str::from_utf8(run).unwrap()))
}

/// Broken keys, and keys in the place of every other file.
#[test]
fn no_command_shows_any_of_a_key() {
    let workspace = with_bundle();
    let key = String::from_utf8(workspace.read("my.key")).unwrap();
    let body = key.lines().nth(1).unwrap().to_owned();
    let broken = [
        key.clone(),
        body.clone(),
        key.replace("PRIVATE", "PUBLIC"),
        key.replace("BEGIN PRIVATE", &format!("BEGIN {body} PRIVATE")),
        key.replace(&body, &body[..40]),
        key.replace(&body, &format!("{body}{body}")),
        key.replace(&body, &format!("*{body}")),
        key.replace("BEGIN PRIVATE", "BEGIN OPENSSH PRIVATE"),
        key.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n", 1),
        format!("ssh-ed25519 {body} {body}"),
        format!("{{\"payload\":\"{body}\"}}"),
        format!("\"{body}\""),
    ];
    for text in broken {
        workspace.write("broken.key", &text);
        set_mode(&workspace, "broken.key", 0o600);
        for words in [
            "benchmark --tokens 2 --sign broken.key",
            "verify-receipt --path broken.key",
            "verify-receipt --bundle ci/inference.json.dsse.json --public-key broken.key",
            "verify-receipt --bundle broken.key --public-key my.key.pub",
            "benchmark --tokens 2 --model broken.key",
            "keygen --output broken.key",
        ] {
            let ran = workspace.run(words);
            assert!(!ran.stderr.contains("panicked"), "{words}: {}", ran.stderr);
            assert!(
                !shows_key(&ran, &key),
                "{words}: {}{}",
                ran.stdout,
                ran.stderr
            );
        }
    }
    for name in ["ci/inference.json", BUNDLE] {
        let text = String::from_utf8(workspace.read(name)).unwrap();
        assert!(!text.contains(&body[body.len() - 43..]), "{name}");
    }
}
