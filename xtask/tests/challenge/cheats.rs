//! Provers that cheat: each gets no statement, or one whose bound is true all the same.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    server::{Challenger, workspace},
    talk::{Answer, Talk, commitment, receipt, terms},
};

#[track_caller]
fn refused((status, body): &Answer, expected: u16, part: &str) {
    let why = body["error"].as_str().unwrap_or_default();
    assert_eq!(*status, expected, "{body}");
    assert!(why.contains(part), "no {part:?} in {why:?}");
}

/// Remembered digests are there at once, and their receipt is of another nonce.
#[test]
fn an_answer_from_memory_is_of_no_nonce() {
    let workspace = workspace();
    let mut challenger = Challenger::start(&workspace, "--rounds 1");
    let old = receipt(&workspace, &"5e".repeat(32), 4);
    let mut talk = Talk::begun(challenger.address(), 4);
    let nonce = talk.nonce();
    assert_eq!(talk.commit(1, &commitment(&old)).0, 200);
    refused(
        &talk.hand_in(1, &old),
        422,
        "round 1: run.challenge: found 5e5e",
    );
    // Nor can the right answer follow: it has other digests.
    let right = receipt(&workspace, &nonce, 4);
    refused(
        &talk.hand_in(1, &right),
        422,
        "round 1: parity.checksum: found ",
    );
    refused(&talk.statement(), 409, "found 0 receipts of 1 rounds");
    challenger.says("session 1: not taken: round 1: run.challenge: found 5e5e");
}

/// A forged receipt with the right nonce and digests fails its replay, and nothing is signed.
#[test]
fn an_invented_answer_fails_its_replay() {
    let workspace = workspace();
    let mut challenger = Challenger::start(&workspace, "--rounds 1 --sessions 1");
    let mut talk = Talk::begun(challenger.address(), 4);
    let nonce = talk.nonce();
    let right = receipt(&workspace, &nonce, 4);
    let mut forged: Value = serde_json::from_slice(&right).unwrap();
    forged["parity"]["checksum"] = json!("ab".repeat(32));
    host::receipt::seal(&mut forged);
    let forged = forged.to_string().into_bytes();
    assert_eq!(talk.commit(1, &commitment(&forged)).0, 200);
    assert_eq!(talk.hand_in(1, &forged).0, 200);
    refused(&talk.statement(), 422, "round 1: parity_checksum: ");
    challenger.says("session 1: refused: round 1: parity_checksum: ");
    challenger.ends().exits(1);
}

/// A clock that stands still makes a run fast in its receipt. The challenger's goes on.
#[test]
fn a_clock_that_lies_leaves_the_bound_alone() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--rounds 1 --sessions 1");
    let mut talk = Talk::begun(challenger.address(), 4);
    let nonce = talk.nonce();
    let lies = receipt(&workspace, &nonce, 4);
    let mut receipt: Value = serde_json::from_slice(&lies).unwrap();
    // As fast as the ceilings permit, or so.
    let samples = json!({
        "load_ns": 9, "prefill_ns": [90_000], "decode_ns": [[30_000, 30_001, 30_002]],
    });
    xtask::selftest::forge::claim_samples(&mut receipt, samples);
    let lies = receipt.to_string().into_bytes();
    // A program was started and a model loaded after the nonce: that took a while.
    let (_, told) = talk.commit(1, &commitment(&lies));
    let within_ns = told["answered_after_ns"].as_u64().unwrap();
    assert!(within_ns > 10_000_000, "{told}");
    assert_eq!(talk.hand_in(1, &lies).0, 200);
    let (status, statement) = talk.statement();
    assert_eq!(status, 200, "{statement}");
    workspace.write("r.json", &lies);
    workspace.write("s.json", statement.to_string());
    let words = "verify-receipt r.json --challenged s.json --challenger-key challenger.key.pub --format json";
    let verdict = workspace.run(words).exits(0).json();
    let claimed = verdict["receipt"]["claimed"]["tokens_per_sec"]
        .as_f64()
        .unwrap();
    let bound = verdict["challenged"]["tokens_per_sec"].as_f64().unwrap();
    assert!(claimed > 20_000.0 && bound < 400.0, "{claimed} {bound}");
    assert_eq!(verdict["challenged"]["within_ns"], within_ns);
    drop(challenger);
}

/// A clock that runs fast contradicts the challenger's.
#[test]
fn times_longer_than_the_challengers_are_wrong() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--rounds 1");
    let mut talk = Talk::begun(challenger.address(), 4);
    let nonce = talk.nonce();
    let slow = receipt(&workspace, &nonce, 4);
    let mut receipt: Value = serde_json::from_slice(&slow).unwrap();
    let hour = 3_600_000_000_000u64;
    let samples = json!({
        "load_ns": 9, "prefill_ns": [hour], "decode_ns": [[30_000, 30_001, 30_002]],
    });
    xtask::selftest::forge::claim_samples(&mut receipt, samples);
    let slow = receipt.to_string().into_bytes();
    assert_eq!(talk.commit(1, &commitment(&slow)).0, 200);
    refused(&talk.hand_in(1, &slow), 422, "the writer's clock is wrong");
}

#[test]
fn digests_come_after_the_nonce_and_before_the_receipt() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "");
    let old = receipt(&workspace, "5eed", 4);
    let sent = commitment(&old);
    let mut talk = Talk::begun(challenger.address(), 4);
    refused(&talk.commit(1, &sent), 409, "there is no round 1 yet");
    talk.nonce();
    refused(
        &talk.hand_in(1, &old),
        409,
        "round 1: the digests come before the receipt",
    );
    assert_eq!(talk.commit(1, &sent).0, 200);
    // The first digests count.
    refused(&talk.commit(1, &sent), 409, "round 1 has an answer");
}

/// The second round's nonce is not the first one's, and both have to be answered in their order.
#[test]
fn each_round_is_answered_with_its_own_nonce() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "");
    let mut talk = Talk::begun(challenger.address(), 4);
    let first = talk.nonce();
    refused(
        &talk.in_session("POST", "rounds", &Value::Null),
        409,
        "round 1 has no answer yet",
    );
    let of_first = receipt(&workspace, &first, 4);
    assert_eq!(talk.commit(1, &commitment(&of_first)).0, 200);
    let second = talk.nonce();
    assert_ne!(first, second);
    assert_eq!(talk.commit(2, &commitment(&of_first)).0, 200);
    assert_eq!(talk.hand_in(1, &of_first).0, 200);
    refused(
        &talk.hand_in(2, &of_first),
        422,
        "round 2: run.challenge: found ",
    );
    refused(
        &talk.in_session("POST", "rounds", &Value::Null),
        409,
        "all 2 rounds are given",
    );
    refused(&talk.statement(), 409, "found 1 receipts of 2 rounds");
}

#[test]
fn a_session_of_somebody_else_cannot_be_found() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "");
    let talk = Talk::begun(challenger.address(), 4);
    let mut other = Talk::to(challenger.address());
    other.session = "0".repeat(64);
    assert_ne!(other.session, talk.session);
    refused(
        &other.in_session("POST", "rounds", &Value::Null),
        404,
        "there is no such session",
    );
}

#[test]
fn a_prover_who_is_slow_is_too_late() {
    let workspace = workspace();
    let mut challenger =
        Challenger::start(&workspace, "--rounds 1 --answer-within 3s --sessions 1");
    let mut talk = Talk::begun(challenger.address(), 4);
    talk.nonce();
    thread::sleep(Duration::from_millis(1500));
    // Saying something keeps a session, and gives no more time.
    assert_eq!(talk.in_session("POST", "ping", &Value::Null).0, 200);
    thread::sleep(Duration::from_millis(1600));
    let late = talk.commit(
        1,
        &json!({
            "transcript_checksum": "ab".repeat(32), "tokens_sha256": "ab".repeat(32),
        }),
    );
    refused(&late, 409, "round 1: answered after 3 s, allowed 3 s");
    drop(talk);
    challenger.says("session 1: given up by the prover");
    challenger.ends().exits(1);
}

#[test]
fn terms_are_fixed_and_bounded() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--max-positions 100");
    let mut talk = Talk::to(challenger.address());
    let long = talk.ask("POST", "/v1/sessions", &terms(86));
    refused(
        &long,
        422,
        "found 101 positions, this challenger allows at most 100",
    );
    let none = talk.ask("POST", "/v1/sessions", &terms(0));
    refused(&none, 422, "terms: tokens: found 0");
    let bad = talk.ask("POST", "/v1/sessions", &json!({ "tokens": 4 }));
    refused(&bad, 400, "missing field");
    // Another number of tokens than agreed, once the nonce is known.
    let mut talk = Talk::begun(challenger.address(), 4);
    let nonce = talk.nonce();
    let short = receipt(&workspace, &nonce, 3);
    assert_eq!(talk.commit(1, &commitment(&short)).0, 200);
    refused(
        &talk.hand_in(1, &short),
        422,
        "round 1: run.tokens: found 3, the session is about 4",
    );
}

/// What is no receipt, and one that is not right, get no statement.
#[test]
fn only_receipts_are_receipts() {
    let workspace = workspace();
    let challenger = Challenger::start(&workspace, "--rounds 1");
    let mut talk = Talk::begun(challenger.address(), 4);
    let nonce = talk.nonce();
    let right = receipt(&workspace, &nonce, 4);
    assert_eq!(talk.commit(1, &commitment(&right)).0, 200);
    refused(&talk.hand_in(1, b"{}"), 422, "round 1: not a receipt: ");
    refused(&talk.hand_in(1, b"GGUF"), 422, "round 1: not a receipt: ");
    let mut edited: Value = serde_json::from_slice(&right).unwrap();
    edited["host"]["cpu_model"] = json!("a faster one");
    // Its digest of itself is wrong: found when all receipts are there.
    assert_eq!(talk.hand_in(1, edited.to_string().as_bytes()).0, 200);
    refused(&talk.statement(), 422, "round 1: receipt_sha256: ");
}
