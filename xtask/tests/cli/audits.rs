//! `verify-receipt --sample` and `--layers`: a part of the run is replayed.

use serde_json::{Value, json};

use crate::{
    process::Workspace,
    verify_receipt::{line, with_forgery, with_receipt},
};

/// The units that a verdict in JSON says were audited.
fn audited(workspace: &Workspace, flags: &str) -> Vec<String> {
    let words = format!("verify-receipt --format json {flags}");
    let ran = workspace.run(&words).exits(0);
    let verdict: Value = serde_json::from_str(&ran.stdout).unwrap();
    serde_json::from_value(verdict["audit"]["units"].clone()).unwrap()
}

#[test]
fn an_audit_replays_a_part_and_says_which() {
    let workspace = with_receipt();
    for flags in ["--sample 5%", "--check-parity --sample 5%"] {
        let ran = workspace.run(&format!("verify-receipt {flags}")).exits(0);
        // Six layers, and the output matrix at three choices.
        let tokens = "tokens: audited (1 of 7 units agree, drawn at random)";
        assert_eq!(line(&ran, "tokens: "), tokens);
        line(&ran, "  units     ");
        let odds = "  odds      one wrong unit is found in 14.3 % of audits";
        assert_eq!(line(&ran, "  odds "), odds);
        let nonce = line(&ran, "  nonce     ");
        assert_eq!(nonce.len(), "  nonce     ".len() + 64, "{nonce}");
        assert!(!ran.stdout.contains("tokens: proved"), "{}", ran.stdout);
    }
    let ran = workspace.run("verify-receipt --layers 1..3").exits(0);
    let tokens = "tokens: audited (2 of 7 units agree; named, not drawn: the others are unchecked)";
    assert_eq!(line(&ran, "tokens: "), tokens);
    assert_eq!(line(&ran, "  units "), "  units     layer 1, layer 2");
    assert!(!ran.stdout.contains("  odds "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("  nonce "), "{}", ran.stdout);
    let ran = workspace.run("verify-receipt --heads").exits(0);
    let tokens = "tokens: audited (1 of 7 units agree; named, not drawn: the others are unchecked)";
    assert_eq!(line(&ran, "tokens: "), tokens);
    let units = "  units     output at positions 0 to 5";
    assert_eq!(line(&ran, "  units "), units);
    let both = audited(&workspace, "--heads --layers 4..9");
    assert_eq!(both, ["layer 4", "layer 5", "output at positions 0 to 5"]);
    let all = audited(&workspace, "--sample 100%");
    assert_eq!(all.len(), 7);
    let of_output = "output at positions 0 to 5".to_owned();
    assert!(all.contains(&of_output), "{all:?}");
    let ran = workspace.run("verify-receipt --layers 6..8").exits(3);
    let open = line(&ran, "  open audit_transcript: ");
    assert!(
        open.contains("layers do not exist: the model has 6"),
        "{open}"
    );
    assert!(line(&ran, "unverifiable: ").ends_with("; tokens not replayed)"));
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
    let ran = workspace.run("verify-receipt --sample 100%").exits(3);
    assert!(line(&ran, "  open audit_transcript: ").contains("a full replay decides"));
    let ran = workspace.run("verify-receipt").exits(1);
    line(&ran, "  FAIL parity_checksum: ");
    let workspace = with_forgery(|r| {
        let token = r["tokens"][1].as_u64().unwrap();
        r["tokens"][1] = json!(token ^ 1);
    });
    workspace.run("verify-receipt --sample 100%").exits(3);
}

#[test]
fn an_audit_that_makes_no_sense_is_a_usage_error() {
    let workspace = with_receipt();
    for flags in [
        "--sample 0%",
        "--sample 101%",
        "--sample 1.25%",
        "--sample five",
        "--layers 3..3",
        "--layers 3",
        "--layers 0..1 --sample 5%",
        "--heads --sample 5%",
        "--heads --no-replay",
        "--nonce 00",
        "--check-parity --nonce 00",
        "--sample 5% --nonce 00",
        "--jobs 0",
    ] {
        workspace.run(&format!("verify-receipt {flags}")).exits(2);
    }
}
