//! Sessions as honest and dishonest provers have them, and statements that were edited.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    CHALLENGE_CLAIM, ChallengePredicate, ChallengeStatement, Commitment, MAX_ROUNDS, Refusal,
    RoundRecord, Session, Terms, bound::Bound, check_round, check_terms, check_times,
    is_challenge_statement, tokens_digest,
};
use crate::{
    attest::{Envelope, SigningKey},
    digest::Digest,
    receipt::Receipt,
    task::Challenge,
};

const GENUINE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../xtask/fuzz/seeds/receipt/receipt.json"
));

/// An edit, and how the refusal of it begins.
type Edit = (fn(&mut Value), &'static str);

const SECOND: u64 = 1_000_000_000;

fn nonce(byte: u8) -> Challenge {
    Digest([byte; 32]).to_string().parse().unwrap()
}

/// A receipt of one timed run of 16 prompt ids and 3 tokens, of 30 ms, that answers `nonce`.
fn receipt_of(nonce: &Challenge, edit: impl FnOnce(&mut Value)) -> Receipt {
    let mut receipt: Value = serde_json::from_str(GENUINE).unwrap();
    receipt["run"]["challenge"] = json!(nonce);
    receipt["run"]["prompt"] = json!({ "kind": "seeded", "seed": 42, "count": 16 });
    receipt["run"]["prompt_ids"] = json!(vec![7; 16]);
    receipt["run"]["depth"] = json!(0);
    receipt["run"]["tokens"] = json!(3);
    receipt["run"]["repetitions"] = json!(1);
    receipt["run"]["attempts"] = json!(1);
    receipt["run"]["kv_type"] = json!("f16");
    receipt["tokens"] = json!([1, 2, 3]);
    receipt["tokens_generated"] = json!(3);
    receipt["samples"]["depth_ns"] = json!([]);
    receipt["samples"]["prefill_ns"] = json!([20_000_000]);
    receipt["samples"]["decode_ns"] = json!([[4_000_000, 6_000_000]]);
    edit(&mut receipt);
    serde_json::from_value(receipt).unwrap()
}

fn receipt(nonce: &Challenge) -> Receipt {
    receipt_of(nonce, |_| {})
}

fn terms() -> Terms {
    Terms {
        model: receipt(&nonce(1)).model.sha256,
        kv_type: "f16".into(),
        seed: 42,
        prompt_tokens: 16,
        depth: 0,
        tokens: 3,
    }
}

fn commitment(receipt: &Receipt) -> Commitment {
    Commitment::to(receipt.parity.checksum, &receipt.tokens)
}

/// A session of `n` rounds whose answers may take a minute, after a ping.
fn session(n: usize) -> Session {
    let mut session = Session::new(terms(), n, 60 * SECOND).unwrap();
    session.went_there_and_back(90_000);
    session
}

fn file(round: u8) -> Digest {
    Digest([round; 32])
}

/// Answers a round after `ms` milliseconds, and hands in its receipt.
fn play(session: &mut Session, byte: u8, at_ns: u64, ms: u64) {
    let receipt = receipt(&nonce(byte));
    let round = session.ask(nonce(byte), at_ns).unwrap();
    let then_ns = at_ns + ms * 1_000_000;
    let after = session.answer(round, commitment(&receipt), then_ns);
    assert_eq!(after, Ok(ms * 1_000_000));
    session.receipt(round, &receipt, file(byte)).unwrap();
}

#[test]
fn an_honest_prover_gets_all_rounds_in_order() {
    let mut session = session(2);
    session.went_there_and_back(120_000);
    let begun = || "2026-11-28T08:00:00Z".to_owned();
    assert!(session.statement(begun(), true).is_err());
    play(&mut session, 1, 5 * SECOND, 31);
    assert_eq!(session.progress(), (1, 2));
    assert!(session.statement(begun(), true).is_err());
    play(&mut session, 2, 6 * SECOND, 33);

    let statement = session.statement(begun(), true).unwrap();
    let parsed = ChallengeStatement::parse(&statement.to_payload()).unwrap();
    assert_eq!(parsed, statement);
    assert_eq!(statement.predicate.round_trip_ns, 90_000);
    let times = statement
        .predicate
        .rounds
        .iter()
        .map(|r| r.answered_after_ns);
    assert!(times.eq([31_000_000, 33_000_000]));
    assert_eq!(statement.place_of(file(1)), Some(0));
    assert_eq!(statement.place_of(file(2)), Some(1));
    assert_eq!(statement.place_of(file(3)), None);

    let bound = Bound::of(&statement.predicate, 1, file(9));
    assert_eq!(
        (bound.within_ns, bound.tightest_ns),
        (33_000_000, 31_000_000)
    );
    assert_eq!(bound.tokens_per_sec, 90.909);
    assert_eq!(
        bound.to_string(),
        "at least 90.9 tokens/s, by the challenger's clock: 3 tokens after a prompt of 16 within 33.000 ms, a \
         round trip of 0.090 ms included; round 2 of 2, of which the tightest took 31.000 ms, at least 96.8 \
         tokens/s"
    );
    let tightest = Bound::of(&statement.predicate, 0, file(9)).to_string();
    assert!(
        tightest.ends_with("included; the tightest of 2 rounds"),
        "{tightest}"
    );
}

#[track_caller]
fn out_of_order<T: std::fmt::Debug>(refused: Result<T, Refusal>, part: &str) {
    match refused {
        Err(Refusal::Order(why)) => assert!(why.contains(part), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn says_something_else<T: std::fmt::Debug>(refused: Result<T, Refusal>, part: &str) {
    match refused {
        Err(Refusal::Content(why)) => assert!(why.contains(part), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_comes_before_its_time_or_twice() {
    let mut fresh = Session::new(terms(), 1, 60 * SECOND).unwrap();
    out_of_order(fresh.ask(nonce(1), 0), "no round trip");

    let mut session = session(2);
    let receipt = receipt(&nonce(1));
    let sent = commitment(&receipt);
    // The digests before the nonce, and of a round that is none.
    for round in [0, 1, 2, usize::MAX] {
        out_of_order(session.answer(round, sent, 0), "there is no round");
    }
    session.ask(nonce(1), SECOND).unwrap();
    out_of_order(session.ask(nonce(2), SECOND), "round 1 has no answer");
    // The receipt before its digests.
    out_of_order(
        session.receipt(1, &receipt, file(1)),
        "the digests come before",
    );
    out_of_order(session.answer(2, sent, SECOND), "there is no round 2");
    session.answer(1, sent, 2 * SECOND).unwrap();
    // Better digests, or a better time, afterwards.
    out_of_order(session.answer(1, sent, 2 * SECOND), "round 1 has an answer");
    session.receipt(1, &receipt, file(1)).unwrap();
    out_of_order(
        session.receipt(1, &receipt, file(1)),
        "round 1 has a receipt",
    );
    play(&mut session, 2, 3 * SECOND, 31);
    out_of_order(session.ask(nonce(3), 4 * SECOND), "all 2 rounds are given");
}

#[test]
fn an_answer_has_its_time() {
    let mut session = session(1);
    let sent = commitment(&receipt(&nonce(1)));
    session.ask(nonce(1), SECOND).unwrap();
    let late = session.answer(1, sent, 61 * SECOND + 1);
    out_of_order(late, "answered after 60 s, allowed 60 s");
    assert_eq!(
        session.clone().answer(1, sent, 61 * SECOND),
        Ok(60 * SECOND)
    );
    // A coarse clock shows no time at all.
    assert_eq!(session.clone().answer(1, sent, SECOND), Ok(1));
    assert_eq!(session.answer(1, sent, 0), Ok(1));
}

#[test]
fn an_answer_that_was_remembered_is_of_another_nonce() {
    let mut session = session(2);
    let old = receipt(&nonce(1));
    session.ask(nonce(2), 0).unwrap();
    // At once, but not to this nonce: neither the old receipt nor another one has these digests.
    session.answer(1, commitment(&old), 1000).unwrap();
    says_something_else(
        session.receipt(1, &old, file(1)),
        "run.challenge: found 0101",
    );
    let other = receipt_of(&nonce(2), |r| {
        r["parity"]["checksum"] = json!(Digest([9; 32]));
    });
    says_something_else(
        session.receipt(1, &other, file(1)),
        "parity.checksum: found 0909",
    );
    let tokens = receipt_of(&nonce(2), |r| r["tokens"] = json!([1, 2, 4]));
    says_something_else(
        session.receipt(1, &tokens, file(1)),
        "digest of the tokens: found",
    );
}

#[test]
fn a_receipt_is_of_the_terms() {
    let edits: [Edit; 9] = [
        (
            |r| r["model"]["sha256"] = json!(Digest([3; 32])),
            "model.sha256",
        ),
        (
            |r| r["run"]["kv_type"] = json!("f32"),
            "run.kv_type: found f32",
        ),
        (
            |r| r["run"]["prompt"]["seed"] = json!(43),
            "run.prompt.seed: found 43",
        ),
        (
            |r| r["run"]["prompt"]["count"] = json!(17),
            "run.prompt.count: found 17",
        ),
        (|r| r["run"]["depth"] = json!(1), "run.depth: found 1"),
        (|r| r["run"]["tokens"] = json!(2), "run.tokens: found 2"),
        (
            |r| r["run"]["prompt"] = json!({ "kind": "ids" }),
            "run.prompt: found one that",
        ),
        (
            |r| r["run"]["repetitions"] = json!(2),
            "run.repetitions: found 2, allowed 1",
        ),
        (
            |r| r["run"]["attempts"] = json!(2),
            "run.attempts: found 2, allowed 1",
        ),
    ];
    assert_eq!(check_terms(&receipt(&nonce(1)), &terms()), Ok(()));
    for (edit, part) in edits {
        let edited = receipt_of(&nonce(1), edit);
        let why = check_terms(&edited, &terms()).unwrap_err();
        assert!(why.starts_with(part), "{why}");
    }
}

#[test]
fn a_prompt_that_fits_into_a_table_is_none() {
    let few = Terms {
        prompt_tokens: 4,
        ..terms()
    };
    let receipt = receipt_of(&nonce(1), |r| r["run"]["prompt"]["count"] = json!(4));
    let why = check_terms(&receipt, &few).unwrap_err();
    assert!(why.starts_with("prompt: found 4 ids, "), "{why}");
}

#[test]
fn a_clock_that_contradicts_the_challengers_is_wrong() {
    let round = |ns| RoundRecord {
        nonce: nonce(1),
        answered_after_ns: ns,
        commitment: commitment(&receipt(&nonce(1))),
    };
    let honest = receipt(&nonce(1));
    assert_eq!(check_round(&honest, &round(1)), Ok(()));
    assert_eq!(check_times(&honest, &round(30_000_000)), Ok(()));
    // One part in a thousand.
    assert_eq!(check_times(&honest, &round(29_971_000)), Ok(()));
    let why = check_times(&honest, &round(29_960_000)).unwrap_err();
    assert!(why.starts_with("samples: found 30000000 ns, the answer was there after 29960000"));
    // What is not timed by the writer is timed by the challenger.
    let deep = receipt_of(&nonce(1), |r| r["samples"]["depth_ns"] = json!([1_000_000]));
    assert!(check_times(&deep, &round(30_000_000)).is_err());
    let endless = receipt_of(&nonce(1), |r| {
        r["samples"]["prefill_ns"] = json!([u64::MAX >> 11, u64::MAX >> 11]);
        r["samples"]["depth_ns"] = json!(vec![u64::MAX >> 11; 4096]);
    });
    assert_eq!(
        check_times(&endless, &round(u64::MAX)),
        Err("samples: the times overflow".into())
    );
    // A clock that is too slow lies about speed, and the bound stays what it is.
    let fast = receipt_of(&nonce(1), |r| r["samples"]["prefill_ns"] = json!([1]));
    assert_eq!(check_times(&fast, &round(30_000_000)), Ok(()));
}

fn predicate() -> ChallengePredicate {
    let mut session = session(2);
    play(&mut session, 1, 0, 31);
    play(&mut session, 2, SECOND, 31);
    session
        .statement("2026-11-28T08:00:00Z".into(), true)
        .unwrap()
        .predicate
}

#[test]
fn an_edited_statement_is_none() {
    let genuine = ChallengeStatement::new(&[file(1), file(2)], predicate());
    let edits: [Edit; 15] = [
        (|s| s["_type"] = json!("x"), "_type: found \"x\""),
        (
            |s| s["predicateType"] = json!("https://bitreceipt.dev/receipt/v1"),
            "predicateType: found",
        ),
        (
            |s| s["predicate"]["claim"] = json!("It was fast."),
            "claim: found",
        ),
        (|s| s["predicate"]["claim"] = Value::Null, "not a statement"),
        (|s| s["verified"] = json!(true), "not a statement"),
        (
            |s| s["predicate"]["verified"] = json!(true),
            "not a statement",
        ),
        (
            |s| s["predicate"]["terms"]["tokens"] = json!(0),
            "terms: tokens: found 0",
        ),
        (
            |s| s["predicate"]["rounds"] = json!([]),
            "rounds: found 0, allowed 1 to 64",
        ),
        (
            |s| s["subject"] = json!([]),
            "subject: found other ones than round-1 to round-2",
        ),
        (
            |s| s["subject"][1]["name"] = json!("round-1"),
            "subject: found other ones",
        ),
        (
            |s| s["predicate"]["begun"] = json!("yesterday"),
            "begun: is no time",
        ),
        (
            |s| s["predicate"]["rounds"][1]["answered_after_ns"] = json!(0),
            "round 2: found an answer after 0",
        ),
        (
            |s| s["predicate"]["rounds"][1]["nonce"] = json!("c0ffee"),
            "round 2: allowed are nonces of 32",
        ),
        (
            |s| s["predicate"]["rounds"][1]["nonce"] = json!(Digest([1; 32])),
            "round 2: found the nonce of another round",
        ),
        (
            |s| s["predicate"]["rounds"][0]["answered_after_ns"] = json!(-1),
            "not a statement",
        ),
    ];
    for (edit, part) in edits {
        let mut edited: Value = serde_json::from_slice(&genuine.to_payload()).unwrap();
        edit(&mut edited);
        let error = ChallengeStatement::parse(edited.to_string().as_bytes());
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(part), "{error}");
    }
}

#[test]
fn a_statement_of_most_rounds_fits_into_its_file() {
    let mut predicate = predicate();
    predicate.rounds = (0..MAX_ROUNDS as u8)
        .map(|byte| RoundRecord {
            nonce: nonce(byte),
            answered_after_ns: u64::MAX >> 11,
            commitment: predicate.rounds[0].commitment,
        })
        .collect();
    let files: Vec<Digest> = (0..MAX_ROUNDS as u8).map(file).collect();
    let payload = ChallengeStatement::new(&files, predicate).to_payload();
    assert!(ChallengeStatement::parse(&payload).is_ok());
    let key = SigningKey::parse(KEY).unwrap();
    let bytes = Envelope::sign(payload, &key).to_json().into_bytes();
    assert!(Envelope::parse(&bytes).is_ok());
    assert!(is_challenge_statement(&bytes));
    assert!(!is_challenge_statement(&bytes[1..]));
    assert!(!is_challenge_statement(b"{}"));
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

#[test]
fn there_is_no_session_without_possible_terms() {
    let none = Terms {
        tokens: 0,
        ..terms()
    };
    says_something_else(Session::new(none, 1, SECOND), "terms: tokens: found 0");
    for n in [0, MAX_ROUNDS + 1] {
        says_something_else(Session::new(terms(), n, SECOND), "rounds: found");
    }
    assert_eq!(
        tokens_digest(&[1, 2, 3]),
        commitment(&receipt(&nonce(1))).tokens_sha256
    );
    assert!(CHALLENGE_CLAIM.ends_with("its receipt."));
}

/// What a prover may do at any time, with a round's number and the nonce that its answer is for.
#[derive(Debug, Clone, Copy)]
enum Move {
    Ask,
    Answer(usize, u8),
    HandIn(usize, u8),
    Wait(u64),
}

fn a_move() -> impl Strategy<Value = Move> {
    let of_round = |round: usize| (round, round as u8);
    // Mostly those of an honest prover, or no statement would ever be made.
    let which = prop_oneof![
        15 => (1..4usize).prop_map(of_round),
        1 => (0..5usize, 1..4u8),
    ];
    prop_oneof![
        3 => Just(Move::Ask),
        3 => which.clone().prop_map(|(round, byte)| Move::Answer(round, byte)),
        3 => which.prop_map(|(round, byte)| Move::HandIn(round, byte)),
        1 => (1..40 * SECOND).prop_map(Move::Wait),
        3 => (1..SECOND / 10).prop_map(Move::Wait),
    ]
}

/// What has happened, in as few words as possible: for each round when it was asked, when and for which nonce
/// it was answered first, and whether its receipt was taken.
type Happened = Vec<(u64, Option<(u64, u8)>, bool)>;

fn make(session: &mut Session, happened: &mut Happened, now_ns: &mut u64, step: Move) {
    match step {
        Move::Wait(ns) => *now_ns += ns,
        Move::Ask => {
            let byte = happened.len() as u8 + 1;
            let is_free = happened.last().is_none_or(|last| last.1.is_some());
            let asked = session.ask(nonce(byte), *now_ns);
            assert_eq!(asked.is_ok(), is_free && happened.len() < 3);
            if asked.is_ok() {
                happened.push((*now_ns, None, false));
            }
        }
        Move::Answer(round, byte) => {
            let sent = commitment(&receipt(&nonce(byte)));
            let answered = session.answer(round, sent, *now_ns);
            let place = round
                .checked_sub(1)
                .and_then(|place| happened.get_mut(place));
            let is_due = place.filter(|r| r.1.is_none() && *now_ns - r.0 <= 60 * SECOND);
            assert_eq!(answered.is_ok(), is_due.is_some());
            if let Some(record) = is_due {
                record.1 = Some((*now_ns, byte));
            }
        }
        Move::HandIn(round, byte) => {
            let taken = session.receipt(round, &receipt(&nonce(byte)), file(round as u8));
            let place = round
                .checked_sub(1)
                .and_then(|place| happened.get_mut(place));
            // Its digests were sent, it is of this round's nonce, and its 30 ms have passed.
            let is_due = place.filter(|r| {
                let is_right =
                    |(at_ns, _): (u64, u8)| usize::from(byte) == round && at_ns - r.0 >= 30_000_000;
                !r.2 && r.1.is_some_and(is_right)
            });
            assert_eq!(taken.is_ok(), is_due.is_some());
            if let Some(record) = is_due {
                record.2 = true;
            }
        }
    }
}

proptest! {
    /// Whatever a prover does in whatever order, a statement has each round's first answer, at its time.
    #[test]
    fn no_order_of_messages_shortens_a_time(moves in prop::collection::vec(a_move(), 0..100)) {
        let mut session = session(3);
        let (mut happened, mut now_ns) = (Happened::new(), 0);
        for step in moves {
            make(&mut session, &mut happened, &mut now_ns, step);
        }
        let statement = session.statement("2026-11-28T08:00:00Z".into(), true);
        let is_complete = happened.len() == 3 && happened.iter().all(|r| r.2);
        prop_assert_eq!(statement.is_ok(), is_complete);
        if let Ok(statement) = statement {
            for (round, (asked_ns, answer, _)) in statement.predicate.rounds.iter().zip(&happened) {
                prop_assert_eq!(round.answered_after_ns, answer.unwrap().0 - asked_ns);
            }
        }
    }
}
