//! Runs of other engines, from what was measured to the receipt and its verification. The engine here is this
//! project's own under another name, right or with a mistake.

use std::{num::NonZeroUsize, path::PathBuf, sync::LazyLock};

use host::{
    attest::Statement,
    digest::Digest,
    examine::{open_model, replay_receipt},
    failure::RunFailure,
    input::{HashedModel, Prompt},
    judge::Tolerance,
    machine::{Environment, Observation},
    receipt::{
        EXTERNAL_SCHEMA, EngineModel, EngineRecord, ParityStatus, RECEIPT_SCHEMA, Receipt, to_json,
    },
    run::{
        Loaded, RunSettings,
        external::{ExternalMeasurement, ExternalRepetition, Judged, prove},
    },
    sandbox::Sandbox,
    verify::{Checked, Conclusion, Policy, Verdict},
    watch::Watch,
};

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new(&Watch::default()).unwrap());

static MODEL: LazyLock<HashedModel> = LazyLock::new(|| {
    HashedModel::open(TINY.as_ref(), Default::default(), &Watch::default()).unwrap()
});

/// Our own receipt of the task.
static OWN: LazyLock<Receipt> = LazyLock::new(|| {
    let loaded = Loaded::open(settings(), &Watch::default()).unwrap();
    loaded.measure().unwrap().prove(&SANDBOX).unwrap().receipt()
});

fn settings() -> RunSettings {
    RunSettings {
        model: PathBuf::from(TINY),
        prompt: Prompt::Seeded {
            seed: 42,
            count: 6,
            challenge: None,
        },
        depth: 0,
        pin: false,
        time_budget: 60,
        n_generate: 5,
        warmup: 0,
        repetitions: Some(2),
        environment: Environment {
            deterministic: false,
            seed: 42,
            threads: 1,
        },
        i2s_layout: Default::default(),
        kernel: Default::default(),
        packing: Default::default(),
        screening: Default::default(),
        kv_type: Default::default(),
    }
}

/// What a right engine is measured with.
fn measurement() -> ExternalMeasurement {
    let repetition = ExternalRepetition {
        tokens: OWN.tokens.clone(),
        prefill_ns: 9_000_000,
        decode_ns: vec![900_000, 1_100_000, 0, 1_000_000],
        top_logits: None,
    };
    ExternalMeasurement {
        engine: EngineRecord {
            name: "other".into(),
            version: Some("1.0".into()),
            sha256: Some(Digest::of(b"a program")),
            command: "other -m {model} -t {threads}".into(),
            model: None,
        },
        load_ns: 0,
        threads: 1,
        warmup: 1,
        repetitions: vec![repetition.clone(), repetition],
        system: Observation::begin().end(),
    }
}

fn proved(measurement: &ExternalMeasurement) -> Result<Receipt, RunFailure> {
    proved_with(measurement, &settings(), Tolerance::default())
}

fn proved_with(
    measurement: &ExternalMeasurement,
    settings: &RunSettings,
    tolerance: Tolerance,
) -> Result<Receipt, RunFailure> {
    let guests = NonZeroUsize::MIN;
    let proved = prove(measurement, settings, &MODEL, tolerance, &SANDBOX, guests);
    proved.map(|proved| proved.receipt)
}

/// The failure of a measurement after an edit.
fn failure(edit: impl FnOnce(&mut ExternalMeasurement)) -> RunFailure {
    let mut measurement = measurement();
    edit(&mut measurement);
    proved(&measurement).unwrap_err()
}

fn verdict(receipt: &Receipt) -> Verdict {
    let mut checked = Checked::read(to_json(receipt).as_bytes()).unwrap();
    let found = open_model(receipt, TINY.as_ref(), &Watch::default()).unwrap();
    checked.with_model(&found.facts());
    let replay = replay_receipt(receipt, &SANDBOX, &found.model, NonZeroUsize::MIN).unwrap();
    checked.with_replay(replay);
    checked.with_policy(&Policy::default());
    checked.verdict()
}

#[test]
fn a_right_engine_gets_a_receipt_that_is_accepted() {
    let receipt = proved(&measurement()).unwrap();
    assert_eq!(receipt.receipt_schema, EXTERNAL_SCHEMA);
    assert_eq!(receipt.parity.status, ParityStatus::Consistent);
    assert_eq!(
        (receipt.kernels.len(), receipt.kernel_ledger.clone()),
        (0, None)
    );
    // The reference's transcript over these tokens, which are its own.
    assert_eq!(receipt.parity.checksum, OWN.parity.checksum);
    assert_eq!(
        (receipt.samples.load_ns, receipt.samples.decode_ns[0][2]),
        (1, 1)
    );
    assert_eq!(receipt.samples.load(), None);
    let verdict = verdict(&receipt);
    assert_eq!(verdict.conclusion, Conclusion::Accepted, "{verdict:?}");
    assert!(
        verdict
            .tokens
            .starts_with("consistent with a replay: all 5")
    );
}

/// An older build wrote the same bytes: nothing in it is new.
#[test]
fn our_own_receipt_has_nothing_of_it() {
    assert_eq!(OWN.receipt_schema, RECEIPT_SCHEMA);
    let text = to_json(&OWN);
    for new in ["\"engine\"", "judgement", "external"] {
        assert!(!text.contains(new), "{new}");
    }
}

#[test]
fn a_file_in_another_form_is_named() {
    let mut measurement = measurement();
    measurement.engine.model = Some(EngineModel {
        file_name: "tiny-iq2_bn.gguf".into(),
        sha256: Digest::of(b"another file"),
        file_bytes: 12,
    });
    let receipt = proved(&measurement).unwrap();
    let text = verdict(&receipt).to_text("r.json");
    assert!(
        text.contains("\n            read tiny-iq2_bn.gguf, sha256 "),
        "{text}"
    );
}

#[test]
fn a_wrong_token_has_no_number() {
    for index in [0, 4] {
        let failure = failure(|m| {
            for repetition in &mut m.repetitions {
                repetition.tokens[index] ^= 1;
            }
        });
        assert!(failure.is_wrong_result());
        let text = failure.to_string();
        let start = format!("other: rejected, so it has no speed: first wrong token {index}:");
        assert!(text.starts_with(&start), "{text}");
        assert!(!text.contains('\n') && !text.contains("tokens/s"), "{text}");
    }
}

/// A receipt that somebody forged, since none is made of a wrong token.
#[test]
fn a_rejected_receipt_shows_no_speed() {
    let mut forged = proved(&measurement()).unwrap();
    let rate = forged.tokens_per_sec.to_string();
    let genuine = verdict(&forged);
    let rates_in = |verdict: &Verdict| {
        let json = serde_json::to_string(verdict).unwrap();
        json.matches("_per_sec\":").count()
    };
    assert!(rates_in(&genuine) >= 3);
    forged.tokens[4] ^= 1;
    forged.seal();
    let verdict = verdict(&forged);
    assert_eq!(verdict.conclusion, Conclusion::Rejected);
    let text = verdict.to_text("r.json");
    assert!(
        text.contains("\n  tokens/s  none: the receipt is rejected\n"),
        "{text}"
    );
    assert_eq!(text.matches("tokens/s").count(), 1, "{text}");
    assert!(!text.contains(&rate), "{text}");
    assert_eq!(rates_in(&verdict), 0);
    // Our own receipt may be refuted for another reason than its tokens.
    let mut ours = OWN.clone();
    ours.tokens[4] ^= 1;
    ours.seal();
    let checked = Checked::read(to_json(&ours).as_bytes()).unwrap();
    assert!(checked.verdict().receipt.unwrap().claimed.speed.is_some());
}

#[test]
fn every_repetition_must_have_the_same_tokens() {
    let other = failure(|m| m.repetitions[1].tokens[3] ^= 1);
    assert!(
        matches!(
            other,
            RunFailure::Unsteady {
                repetition: 1,
                token: 3,
                ..
            }
        ),
        "{other}"
    );
    let fewer = failure(|m| m.repetitions[1].tokens.truncate(2));
    assert!(
        matches!(
            fewer,
            RunFailure::Unsteady {
                repetition: 1,
                token: 2,
                ..
            }
        ),
        "{fewer}"
    );
    assert!(fewer.is_wrong_result() && other.is_wrong_result());
    assert!(matches!(
        failure(|m| m.repetitions.clear()),
        RunFailure::Rejected { .. }
    ));
}

#[test]
fn what_cannot_be_judged_is_named() {
    let edit_all = |m: &mut ExternalMeasurement, edit: fn(&mut ExternalRepetition)| {
        m.repetitions.iter_mut().for_each(edit);
    };
    for (edit, expected) in [
        (
            (|r| r.tokens.truncate(3)) as fn(&mut ExternalRepetition),
            "the engine's answer: found 3 tokens, asked for 5",
        ),
        (
            |r| r.tokens[1] = 4_000_000,
            "the engine's answer: found id 4000000, the vocabulary has ",
        ),
        (
            |r| r.top_logits = Some(vec![vec![(r.tokens[0], f32::NAN)]; 5]),
            "the engine's answer: at token 0, logit of id ",
        ),
    ] {
        let text = failure(|m| edit_all(m, edit)).to_string();
        assert!(text.starts_with(expected), "{text}");
    }
    let deep = RunSettings {
        depth: 2,
        ..settings()
    };
    let failure = proved_with(&measurement(), &deep, Tolerance::default()).unwrap_err();
    assert!(
        matches!(failure, RunFailure::ExternalDepth { depth: 2 }),
        "{failure}"
    );
    assert!(!failure.is_wrong_result());
}

/// The right tokens with logits that no right engine has.
#[test]
fn wrong_logits_have_no_number() {
    let failure = failure(|m| {
        let tokens = m.repetitions[0].tokens.clone();
        let top = tokens.iter().map(|&t| vec![(t, 100.0), (t ^ 1, -100.0)]);
        m.repetitions[0].top_logits = Some(top.collect());
    });
    assert!(
        failure.to_string().contains("first wrong logits"),
        "{failure}"
    );
}

/// A prompt that is in the engine's cache from the second time on.
#[test]
fn what_a_verifier_would_reject_is_not_written() {
    let failure = failure(|m| m.repetitions[0].prefill_ns = 900_000_000);
    let text = failure.to_string();
    assert!(matches!(failure, RunFailure::Refused(_)), "{text}");
    assert!(text.contains("physics_caching"), "{text}");
}

/// One replay for measurements with as many threads as one likes.
#[test]
fn a_judgement_is_of_its_tokens_alone() {
    let first = measurement();
    let claim = first.repetitions[0].claim();
    let judged = Judged::of(
        claim,
        &settings(),
        &MODEL,
        Tolerance::default(),
        &SANDBOX,
        NonZeroUsize::MIN,
    )
    .unwrap();
    assert!(judged.is_of(&first));
    let receipt = judged.receipt(&first, &settings(), &MODEL).unwrap();
    let mut slower = first.clone();
    slower
        .repetitions
        .iter_mut()
        .for_each(|r| r.prefill_ns *= 2);
    let second = judged.receipt(&slower, &settings(), &MODEL).unwrap();
    assert_eq!(second.parity, receipt.parity);
    assert!(second.prefill_tokens_per_sec < receipt.prefill_tokens_per_sec);
    let mut other = first;
    other.repetitions.iter_mut().for_each(|r| r.tokens[4] ^= 1);
    assert!(!judged.is_of(&other));
    let failure = judged.receipt(&other, &settings(), &MODEL).unwrap_err();
    assert!(matches!(failure, RunFailure::Rejected { .. }), "{failure}");
}

#[test]
fn its_receipt_is_signed_like_any_other() {
    let receipt = proved(&measurement()).unwrap();
    let file = to_json(&receipt);
    let statement = Statement::about(&receipt, file.as_bytes(), Digest::of(b"this program"));
    let predicate = statement.unwrap().predicate;
    assert_eq!(predicate.receipt_schema, EXTERNAL_SCHEMA);
    assert_eq!(predicate.transcript_checksum, receipt.parity.checksum);
}
