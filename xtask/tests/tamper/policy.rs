//! What a policy demands, and what no machine can have done.

use std::fs;

use host::{
    digest::Digest,
    verify::{
        AuditFinding, AuditReport, Caching, Ceilings, Checked, Conclusion, Covered, Outcome,
        Policy, PolicyError, Replayed, RequiredParity, Retime, RuleOutcome, SpeedRatio, Verdict,
    },
};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, assert_accepted, assert_rejected_by, benchmarked, claim_samples, claimed, edited,
    replayed, rule, rules, verify_under, with_replay,
};

/// The verdict on a receipt under a policy, with a replay.
fn of_under(receipt: &Value, policy: &Policy) -> Verdict {
    verify_under(receipt.to_string().as_bytes(), policy).unwrap()
}

/// The verdict on the genuine receipt under a policy, with a replay.
fn under(policy: &Policy) -> Verdict {
    of_under(&GENUINE, policy)
}

/// The same after `done` in place of a replay.
fn under_after(policy: &str, done: impl FnOnce(&mut Checked)) -> Verdict {
    let mut checked = Checked::read(GENUINE.to_string().as_bytes()).unwrap();
    done(&mut checked);
    checked.with_policy(&read(policy));
    checked.verdict()
}

fn read(text: &str) -> Policy {
    Policy::read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn every_demand_has_its_rule() {
    let model = GENUINE["model"]["sha256"].as_str().unwrap();
    let guest = GENUINE["parity"]["guest_sha256"].as_str().unwrap();
    let other = "ab".repeat(32);
    for (broken, met, rule) in [
        (
            "accept.schema_versions = ['9']".to_owned(),
            format!(
                "accept.schema_versions = ['9', {}]",
                GENUINE["receipt_schema"]
            ),
            "policy_schema_version",
        ),
        (
            "accept.compute_paths = ['mock']".into(),
            "accept.compute_paths = ['mock', 'real']".into(),
            "policy_compute_path",
        ),
        (
            "accept.kernels = ['i2s_*', 'argmax_scala']".into(),
            "accept.kernels = ['*']".into(),
            "policy_kernels",
        ),
        (
            format!("accept.models = ['{other}']"),
            format!("accept.models = ['{other}', '{model}']"),
            "policy_model",
        ),
        (
            format!("accept.guests = ['{other}']"),
            format!("accept.guests = ['{guest}']"),
            "policy_guest",
        ),
        (
            "require.min_tokens = 4".into(),
            "require.min_tokens = 3".into(),
            "policy_min_tokens",
        ),
        (
            "require.min_repetitions = 2".into(),
            "require.min_repetitions = 1".into(),
            "policy_min_repetitions",
        ),
        (
            "require.min_tokens_per_sec = 50_000.1".into(),
            "require.min_tokens_per_sec = 50_000.0".into(),
            "policy_min_tokens_per_sec",
        ),
        (
            "require.min_prefill_tokens_per_sec = 100_000.1".into(),
            "require.min_prefill_tokens_per_sec = 100_000.0".into(),
            "policy_times",
        ),
        (
            "require.min_decode_tokens_per_sec = 100_000.1".into(),
            "require.min_decode_tokens_per_sec = 100_000.0".into(),
            "policy_times",
        ),
        (
            "require.max_time_to_first_token_ns = 39_999".into(),
            "require.max_time_to_first_token_ns = 40_000".into(),
            "policy_times",
        ),
        (
            "require.max_p50_step_ns = 8_999".into(),
            "require.max_p50_step_ns = 9_000".into(),
            "policy_times",
        ),
        (
            "require.max_p95_step_ns = 10_999".into(),
            "require.max_p95_step_ns = 11_000".into(),
            "policy_times",
        ),
        (
            "require.max_p99_step_ns = 10_999".into(),
            "require.max_p99_step_ns = 11_000".into(),
            "policy_times",
        ),
    ] {
        assert_rejected_by(&under(&read(&broken)), &[rule]);
        assert_accepted(&under(&read(&met)));
    }
}

#[test]
fn spread_is_of_the_longest_and_the_shortest() {
    let policy = |spread: f64| read(&format!("require.max_relative_spread = {spread:?}"));
    // One repetition shows none.
    assert_rejected_by(&under(&policy(9.0)), &["policy_spread"]);
    let receipt = claimed(json!({
        "load_ns": 9,
        "prefill_ns": [100_000, 120_000, 110_000],
        "decode_ns": [[45_000, 45_000], [45_000, 45_000], [45_000, 45_000]],
    }));
    let verdict = |spread: f64| of_under(&receipt, &policy(spread));
    assert_accepted(&verdict(0.1));
    assert_rejected_by(&verdict(0.0999), &["policy_spread"]);
}

/// A challenge that nobody gave is missing; one that the receipt does not have can never pass.
#[test]
fn a_challenge_that_is_required() {
    const REQUIRED: &str = "require.challenge = true";
    assert_rejected_by(&under(&read(REQUIRED)), &["policy_challenge"]);
    let challenged = benchmarked(&["--challenge", "c0ffee", "--prompt-tokens", "16"]);
    let under = |receipt: &[u8], given: Option<&str>| {
        let mut checked = Checked::read(receipt).unwrap();
        let given = given.map(|text| text.parse().unwrap());
        checked.with_challenge(given.as_ref());
        with_replay(&mut checked);
        checked.with_policy(&read(REQUIRED));
        checked.verdict()
    };
    let verdict = |given| under(&challenged, given);
    assert_accepted(&verdict(Some("c0ffee")));
    // Other seeds and short prompts leave room for answers from before.
    for prepared in [["16", "--seed", "7"], ["4", "--seed", "42"]] {
        let words = [&["--challenge", "c0ffee", "--prompt-tokens"], &prepared[..]].concat();
        let receipt = benchmarked(&words);
        assert_rejected_by(&under(&receipt, Some("c0ffee")), &["policy_challenge"]);
    }
    let missing = verdict(None);
    assert_eq!(missing.conclusion, Conclusion::Unverifiable);
    assert_eq!(rules(&missing, Outcome::Unverifiable), ["policy_challenge"]);
    let failed = verdict(Some("beef"));
    assert_eq!(rules(&failed, Outcome::Fail), ["challenge"]);
    assert_eq!(failed.conclusion, Conclusion::Rejected);
}

/// The same CPU model is as fast here; another one may be faster.
#[test]
fn a_speed_that_this_machine_does_not_reach() {
    let verdict = |ratio: f64, is_comparable: bool, policy: &str| {
        under_after(policy, |checked| {
            with_replay(checked);
            let speed = SpeedRatio {
                ratio,
                is_comparable,
            };
            checked.with_retime(true, speed);
        })
    };
    assert_accepted(&verdict(3.0, true, ""));
    assert_rejected_by(&verdict(3.01, true, ""), &["policy_retime"]);
    let doubtful = verdict(146.0, false, "");
    assert_accepted(&doubtful);
    assert_eq!(rules(&doubtful, Outcome::Note), ["policy_retime"]);
    let generous = "retime.max_ratio_to_retime = 4.0";
    assert_accepted(&verdict(3.01, true, generous));
    assert_rejected_by(&verdict(f64::NAN, true, generous), &["policy_retime"]);
}

/// What comes of the rule on caching.
fn rule_on(receipt: &Value, policy: &str) -> (Outcome, String) {
    let mut checked = Checked::read(receipt.to_string().as_bytes()).unwrap();
    checked.with_policy(&read(policy));
    let verdict = checked.verdict();
    let RuleOutcome {
        outcome, evidence, ..
    } = rule(&verdict, "physics_caching");
    (*outcome, evidence.clone())
}

/// Only a repetition that the figures are of can be too fast: the first one is the measure.
#[test]
fn a_prompt_that_is_faster_the_second_time() {
    const POLICY: &str = "caching.jitter_ms = 20.0";
    let with = |prefill: [u64; 3], step: [u64; 3], n_steps: usize, policy: &str| {
        let mut receipt = GENUINE.clone();
        receipt["run"]["tokens"] = json!(n_steps + 1);
        let decode = step.map(|ns| vec![ns; n_steps]);
        let samples = json!({ "load_ns": 9, "prefill_ns": prefill, "decode_ns": decode });
        claim_samples(&mut receipt, samples);
        rule_on(&receipt, policy)
    };
    let ms = |ms: [u64; 3]| ms.map(|ms| ms * 1_000_000);
    let passes = (Outcome::Pass, String::new());
    let fails = |what: &str, speedup: &str, limit: &str| {
        let than = "in repetition 0, where the prompt was new";
        let why = format!("{what}: {speedup} times as fast as {than}; the policy accepts {limit}");
        (Outcome::Fail, why)
    };
    let flat = ms([10, 10, 10]);
    // By the prefill, of which 20 ms may be an interruption.
    let prefill = "prefill of repetition 2";
    let found = with(ms([120, 60, 61]), flat, 2, POLICY);
    assert_eq!(found, fails(prefill, "1.97", "1.5"));
    assert_eq!(with(ms([120, 60, 80]), flat, 2, POLICY), passes);
    assert_eq!(with(ms([30, 9, 10]), flat, 2, POLICY), passes);
    let found = with(ms([31, 9, 10]), flat, 2, POLICY);
    assert_eq!(found, fails(prefill, "3.10", "1.5"));
    let found = with(ms([30, 9, 10]), flat, 2, "caching.jitter_ms = 19.9");
    assert_eq!(found, fails(prefill, "3.00", "1.5"));
    let generous = "caching = { max_speedup = 2.0, jitter_ms = 20.0 }";
    assert_eq!(with(ms([120, 60, 61]), flat, 2, generous), passes);
    // By the decode, of which each step is short, once there are sixteen.
    let prefill = ms([100, 100, 100]);
    let faster = [200_000, 120_000, 130_000];
    assert_eq!(with(prefill, faster, 15, POLICY), passes);
    let found = with(prefill, faster, 16, POLICY);
    assert_eq!(found, fails("decode step of repetition 2", "1.54", "1.5"));
    // With fewer, all that they save together is more than an interruption.
    assert_eq!(with(prefill, ms([4, 2, 2]), 10, POLICY), passes);
    let found = with(prefill, ms([4, 2, 2]), 11, POLICY);
    assert_eq!(found, fails("decode step of repetition 2", "2.00", "1.5"));
    // A few steps that were interrupted, or timed by a coarse clock, are not the typical one.
    let mut receipt = GENUINE.clone();
    receipt["run"]["tokens"] = json!(33);
    let uneven = |typical: u64| -> Vec<u64> {
        (0..32)
            .map(|i| match i % 8 {
                0 => 10_000,
                1..=3 => 5_000_000,
                _ => typical,
            })
            .collect()
    };
    let decode = json!([uneven(200_000), uneven(130_000), uneven(140_000)]);
    let samples = json!({ "load_ns": 9, "prefill_ns": prefill, "decode_ns": decode });
    claim_samples(&mut receipt, samples);
    let found = rule_on(&receipt, POLICY);
    assert_eq!(found, passes);
    let generous = "caching = { max_speedup = 1.42, jitter_ms = 20.0 }";
    let found = rule_on(&receipt, generous);
    assert_eq!(found, fails("decode step of repetition 2", "1.43", "1.42"));
    // A first repetition that is itself the median, or the fastest, tells nothing.
    assert_eq!(with(ms([50, 10, 90]), flat, 2, POLICY), passes);
    assert_eq!(with(ms([10, 90, 95]), flat, 2, POLICY), passes);
}

/// What is demanded beyond the rules themselves may be met by less than everything, and by no less.
#[test]
fn a_replay_that_is_required_is_missed() {
    let audit = |nonce: Option<Digest>, is_fresh: bool| {
        AuditFinding::Agrees(AuditReport {
            units: vec!["layer 3".into()],
            n_units: 7,
            covered: Covered::default(),
            nonce,
            is_fresh,
            detection: nonce.map(|_| 1.0 / 7.0),
        })
    };
    let nothing = |_: &mut Checked| ();
    let nonce = Some(Digest([1; 32]));
    let layers = |checked: &mut Checked| checked.with_audit(audit(None, false));
    // Who knows the nonce knows the units, as if they were named.
    let known = |checked: &mut Checked| checked.with_audit(audit(nonce, false));
    let sample = |checked: &mut Checked| checked.with_audit(audit(nonce, true));
    let everything = |checked: &mut Checked| with_replay(checked);
    type Done<'d> = &'d dyn Fn(&mut Checked);
    let done: [(Done, Replayed); 5] = [
        (&nothing, Replayed::Nothing),
        (&layers, Replayed::Layers),
        (&known, Replayed::Layers),
        (&sample, Replayed::Sample),
        (&everything, Replayed::Everything),
    ];
    let none = "";
    let audited = "require.parity = 'audited'";
    let everywhere = "require.parity = 'replayed'";
    for (policy, least) in [
        (none, Replayed::Layers),
        (audited, Replayed::Sample),
        (everywhere, Replayed::Everything),
    ] {
        for (done, replayed) in done {
            let verdict = under_after(policy, done);
            assert_eq!(verdict.replayed, replayed);
            let place = format!("{policy:?} after {replayed:?}: {verdict:?}");
            // What was not replayed is not rejected: the verifier left it out.
            let expected = match replayed >= least {
                true => Conclusion::Accepted,
                false => Conclusion::Unverifiable,
            };
            assert_eq!(verdict.conclusion, expected, "{place}");
            let open = rules(&verdict, Outcome::Unverifiable);
            let of_policy = expected == Conclusion::Unverifiable && !policy.is_empty();
            assert_eq!(open.contains(&"policy_parity"), of_policy, "{place}");
        }
    }
    assert_eq!(read("").require.parity, None);
    assert_eq!(read(audited).require.parity, Some(RequiredParity::Audited));
}

/// An audit that came to nothing has replayed nothing, whatever it was to replay.
#[test]
fn an_audit_without_an_answer_is_none() {
    let verdict = under_after("require.parity = 'audited'", |checked| {
        let report = AuditReport {
            units: vec!["layer 3".into()],
            n_units: 7,
            covered: Covered::default(),
            nonce: Some(Digest([1; 32])),
            is_fresh: true,
            detection: Some(1.0 / 7.0),
        };
        checked.with_audit(AuditFinding::Unanswered(report, "the guest trapped".into()));
    });
    assert_eq!(verdict.replayed, Replayed::Nothing);
    assert_eq!(
        rules(&verdict, Outcome::Unverifiable),
        ["audit_units", "policy_parity"]
    );
}

#[test]
fn texts_that_are_no_policy() {
    for (text, part) in [
        ("[accept", "line 1"),
        ("\n\naccept.kernel = []", "line 3: unknown field `kernel`"),
        ("require.parity = 'some'", "unknown variant `some`"),
        ("require.parity = 'claimed'", "unknown variant `claimed`"),
        ("require.parity = 'layers'", "unknown variant `layers`"),
        ("require.min_tokens = -1", "line 1"),
        ("require.min_tokens = 1\nrequire.min_tokens = 2", "line 2"),
        ("accept.models = ['abc']", "line 1"),
        (
            "ceilings.hand_over_ns = nan",
            "ceilings.hand_over_ns: found NaN, allowed numbers from 0",
        ),
        (
            "ceilings.margin = 0.0",
            "ceilings.margin: found 0, allowed numbers above 0",
        ),
        ("ceilings.margin = inf", "found inf"),
        ("ceilings.max_sockets = 0", "allowed numbers above 0"),
        (
            "[[ceilings.cpus]]\nname = 'x'\ncores = 1\nghz = nan\nmacs_per_cycle = [1, 1]\n\
             memory_gb = [1, 1]\nl2_mib = 1\nl3_mib = [1, 1]\nl3_bytes_per_cycle = 1\nsource = ''",
            "ceilings.cpus: \"x\"",
        ),
        ("retime.max_ratio_to_retime = 0.0", "found 0"),
        // An array in the place of a table, with its values in the order of the fields.
        ("caching = [9.0, 9.0]", "found an array, allowed an object"),
        ("require.max_relative_spread = -0.5", "found -0.5"),
        (
            "caching.max_speedup = 0.0",
            "caching.max_speedup: found 0, allowed numbers above 0",
        ),
        ("caching.jitter_ms = nan", "caching.jitter_ms: found NaN"),
        (
            "require.min_tokens_per_sec = nan",
            "require.min_tokens_per_sec: found NaN",
        ),
    ] {
        let error = Policy::read(text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
        assert!(!error.contains('\n'), "{text}: {error}");
    }
    assert!(matches!(Policy::read(b"\xff"), Err(PolicyError::NotText)));
    let mut long = vec![b'\n'; 1 << 20];
    // Without a file, every engine counts; a file has to name them.
    let mut of_a_file = Policy::default();
    of_a_file.accept.engines.clear();
    assert_eq!(Policy::read(&long).unwrap(), of_a_file);
    long.push(b'\n');
    assert!(matches!(Policy::read(&long), Err(PolicyError::TooLarge)));
    assert_eq!(Policy::read(b"").unwrap(), of_a_file);
    assert_eq!(Policy::read(b"[accept]").unwrap(), of_a_file);
}

/// The committed policy spells out the ceilings that hold without one, and accepts the committed model.
#[test]
fn the_committed_policy_is_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/policy.toml");
    let policy = Policy::read(&fs::read(path).unwrap()).unwrap();
    assert_eq!(policy.ceilings, Ceilings::default());
    assert_eq!(policy.caching, Caching::default());
    assert_eq!(policy.require.parity, Some(RequiredParity::Replayed));
    assert!(policy.require.writer_proof && policy.require.challenge);
    assert_eq!(policy.retime, Retime::default());
    let model = GENUINE["model"]["sha256"].as_str().unwrap();
    let models: Vec<_> = policy.accept.models.iter().map(|d| d.to_string()).collect();
    assert_eq!(models, [model]);
    let version = GENUINE["receipt_schema"].as_str().unwrap();
    assert_eq!(policy.accept.schema_versions, [version]);
}

/// A shape whose work is beyond all numbers is refused, not divided by.
#[test]
fn a_shape_beyond_all_numbers() {
    let forged = edited(|r| {
        for key in ["n_embd", "n_ff", "n_heads", "head_dim", "n_layers"] {
            r["model"]["shape"][key] = json!(1 << 24);
        }
    });
    let failed = replayed(&forged);
    let failed = rules(&failed, Outcome::Fail);
    assert!(failed.contains(&"physics_prefill") && failed.contains(&"physics_decode"));
}
