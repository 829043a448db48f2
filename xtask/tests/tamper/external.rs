//! Receipts of other engines: what is judged within a tolerance, and what is refused of them.

use host::{
    judge::Tolerance,
    receipt::seal,
    verify::{Checked, Conclusion, Explanation, Outcome, Policy, Replayed},
};
use serde_json::{Value, json};

use crate::{
    every_edit_is_caught,
    genuine::{
        EXTERNAL, GENUINE, MODEL, assert_accepted, assert_only_unreplayed, assert_rejected_by,
        claim_samples, replay, replayed, rule, rules, verify, verify_under, with_replay,
    },
};

/// The genuine receipt of another engine with an edit.
fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let mut receipt = EXTERNAL.clone();
    edit(&mut receipt);
    seal(&mut receipt);
    receipt
}

#[test]
fn a_genuine_receipt_is_consistent_and_no_more() {
    let verdict = replayed(&EXTERNAL);
    assert_accepted(&verdict);
    assert_eq!(verdict.replayed, Replayed::Everything);
    assert_eq!(
        verdict.tokens,
        "consistent with a replay: all 3 tokens are the reference's choice (6 positions)"
    );
    assert_eq!(rules(&verdict, Outcome::Note), ["physics_decode"]);
    let judgement = verdict.judgement.unwrap();
    assert_eq!(
        (judgement.exact, judgement.tied, judgement.wrong),
        (3, 0, 0)
    );
    assert!(judgement.tolerance.unwrap() > 0.0);
    let text = verdict.to_text("r.json");
    assert!(
        !text.contains("bit for bit") && !text.contains("proved by"),
        "{text}"
    );
    assert!(text.contains("\n  engine    other 1.0\n"), "{text}");
    // Nothing is said of kernels.
    assert!(!text.contains("kernels"), "{text}");
    let ours = replayed(&GENUINE);
    assert!(ours.judgement.is_none() && !ours.to_text("r.json").contains("engine"));
}

#[test]
fn it_is_unverifiable_until_it_is_replayed() {
    assert_only_unreplayed(&verify(EXTERNAL.to_string().as_bytes()).unwrap());
}

#[test]
fn every_edit_is_caught_by_the_rule_that_is_there_for_it() {
    every_edit_is_caught(&EXTERNAL);
}

/// Without a ranking, a replay judges only what is its own choice; an audit judges nothing.
#[test]
fn nothing_else_takes_the_place_of_a_judgement() {
    let bytes = EXTERNAL.to_string();
    let mut checked = Checked::read(bytes.as_bytes()).unwrap();
    with_replay(&mut checked);
    assert_accepted(&checked.verdict());
    let mut checked = Checked::read(bytes.as_bytes()).unwrap();
    let receipt = checked.receipt.clone().unwrap();
    let replayed = replay(&receipt).unwrap();
    let mut unranked = replayed.clone();
    unranked.ranking = None;
    checked.with_replay(Ok(unranked.clone()));
    let verdict = checked.verdict();
    assert_accepted(&verdict);
    assert_eq!(verdict.judgement.unwrap().tolerance, None);
    let mut short = replayed;
    short.ranking.as_mut().unwrap().margins.pop();
    for unranked in [&mut unranked, &mut short] {
        // As if the reference had chosen another last token.
        unranked.tokens[2] ^= 1;
        let mut checked = Checked::read(bytes.as_bytes()).unwrap();
        checked.with_replay(Ok(unranked.clone()));
        let verdict = checked.verdict();
        assert_eq!(verdict.conclusion, Conclusion::Unverifiable);
        assert_eq!(rules(&verdict, Outcome::Unverifiable), ["parity_judgement"]);
    }
    let mut checked = Checked::read(bytes.as_bytes()).unwrap();
    checked.with_audit(host::verify::AuditFinding::NoTranscript("none".into()));
    let verdict = checked.verdict();
    assert_eq!(rules(&verdict, Outcome::Unverifiable), ["parity_replay"]);
    assert!(
        rule(&verdict, "parity_replay")
            .evidence
            .contains("--sample")
    );
}

/// The tolerance is the verifier's: the receipt's changes nothing.
#[test]
fn a_token_is_tied_within_the_verifiers_tolerance() {
    let margins = replay(&serde_json::from_value(EXTERNAL.clone()).unwrap());
    let margin = margins.unwrap().ranking.unwrap().margins.pop().unwrap();
    // The last token is fed to nothing: the second best in its place.
    let rival = margin.rivals[0];
    let gap = margin.lead() / margin.spread;
    let tied = |tolerance: f64| {
        edited(|r| {
            r["tokens"][2] = json!(rival.token);
            r["parity"]["judgement"] = json!({ "tolerance": tolerance, "exact": 2, "tied": 1 });
        })
    };
    for of_the_receipt in [0.0, 0.5, 100.0] {
        let receipt = tied(of_the_receipt).to_string();
        // So wide that the tie is nothing unusual.
        for (tolerance, expected) in [
            (gap * 100.0, Conclusion::Accepted),
            (gap * 0.99, Conclusion::Rejected),
        ] {
            let mut checked = Checked::read(receipt.as_bytes()).unwrap();
            checked.with_tolerance(Tolerance::of_spreads(tolerance));
            with_replay(&mut checked);
            let verdict = checked.verdict();
            assert_eq!(verdict.conclusion, expected, "{tolerance} {verdict:?}");
            if expected == Conclusion::Accepted {
                let start = "consistent with a replay: 2 of 3 tokens are the reference's choice, 1 tied within ";
                assert!(verdict.tokens.starts_with(start), "{}", verdict.tokens);
            } else {
                assert_eq!(rules(&verdict, Outcome::Fail), ["parity_judgement"]);
            }
        }
    }
}

#[test]
fn a_policy_names_the_engines_that_count() {
    let verdict_under = |text: &str| {
        let policy = Policy::read(text.as_bytes()).unwrap();
        verify_under(EXTERNAL.to_string().as_bytes(), &policy).unwrap()
    };
    for refused in [
        "",
        "[accept]",
        "accept.engines = []",
        "accept.engines = ['llama-server', 'othe', 'Other']",
        "accept.compute_paths = ['real', 'external']",
    ] {
        assert_rejected_by(&verdict_under(refused), &["policy_engine"]);
    }
    for accepted in [
        "accept.engines = ['other']",
        "accept.engines = ['llama-server', 'oth*']",
        "accept.engines = ['*']\nrequire.exact_tokens = true",
        "accept.engines = ['*']\naccept.tolerance = 0.0\nrequire.writer_proof = true",
    ] {
        assert_accepted(&verdict_under(accepted));
        let policy = Policy::read(accepted.as_bytes()).unwrap();
        assert_accepted(&verify_under(GENUINE.to_string().as_bytes(), &policy).unwrap());
    }
    for bad in ["-0.1", "nan", "inf", "101.0"] {
        let text = format!("accept.tolerance = {bad}");
        let error = Policy::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("accept.tolerance: found"), "{error}");
    }
    let strict = Policy::read(include_bytes!("../../../ci/policy.toml")).unwrap();
    let verdict = verify_under(EXTERNAL.to_string().as_bytes(), &strict).unwrap();
    assert!(rules(&verdict, Outcome::Fail).contains(&"policy_engine"));
}

/// An engine can send its first token late, and the others as quickly as it likes.
#[test]
fn a_policy_limits_what_cannot_be_shifted() {
    let whole = EXTERNAL["tokens_per_sec"].as_f64().unwrap();
    assert!(EXTERNAL["decode_tokens_per_sec"].as_f64().unwrap() > whole * 1.1);
    let policy = |require: String| {
        let text = format!("accept.engines = ['*']\nrequire.{require}");
        Policy::read(text.as_bytes()).unwrap()
    };
    let under = |policy: &Policy| verify_under(EXTERNAL.to_string().as_bytes(), policy).unwrap();
    let met = policy(format!("min_decode_tokens_per_sec = {whole:?}"));
    assert_accepted(&under(&met));
    let broken = policy(format!("min_decode_tokens_per_sec = {:?}", whole * 1.1));
    assert_rejected_by(&under(&broken), &["policy_times"]);
    for limit in ["max_p50_step_ns", "max_p95_step_ns", "max_p99_step_ns"] {
        let wide = policy(format!("{limit} = 1_000_000_000_000"));
        let verdict = under(&wide);
        assert_rejected_by(&verdict, &["policy_times"]);
        assert_eq!(
            rule(&verdict, "policy_times").evidence,
            format!("{limit}: a policy cannot bound the steps of another engine")
        );
        let ours = verify_under(GENUINE.to_string().as_bytes(), &wide);
        assert_accepted(&ours.unwrap());
    }
    let first = policy("max_time_to_first_token_ns = 1_000_000_000_000".into());
    assert_accepted(&under(&first));
}

/// Evidence of the rules on times and rates would show the speed of an engine that has none.
#[test]
fn no_evidence_quotes_the_speed_of_a_rejected_engine() {
    let hidden = "found a time or a rate that is not shown: the receipt is rejected";
    let samples = |prefill_ns: u64| {
        let mut receipt = EXTERNAL.clone();
        let samples =
            json!({ "load_ns": 5, "prefill_ns": [prefill_ns], "decode_ns": [[9_000, 11_000]] });
        claim_samples(&mut receipt, samples);
        receipt
    };
    let (genuine, fast) = (EXTERNAL.clone(), samples(1));
    let with = |pointer: &str, value: Value| {
        edited(|r| *r.pointer_mut(pointer).expect("it has the field") = value)
    };
    for (receipt, required, rule_id, place) in [
        (with("/timing_ms", json!(7.5)), "", "timing_ms", ""),
        (
            with("/tokens_per_sec", json!(7.5)),
            "",
            "tokens_per_sec",
            "",
        ),
        (
            with("/prefill_tokens_per_sec", json!(7.5)),
            "",
            "prefill_tokens_per_sec",
            "",
        ),
        (
            with("/decode_tokens_per_sec", json!(7.5)),
            "",
            "decode_tokens_per_sec",
            "",
        ),
        (
            with("/figures/time_to_first_token_ns", json!(7)),
            "",
            "figures",
            "",
        ),
        (
            with("/samples/witness/0/wall_ns", json!(7)),
            "",
            "witness_times",
            "repetition 0: ",
        ),
        (fast, "", "physics_prefill", "repetition 0: "),
        (
            genuine.clone(),
            "min_tokens_per_sec = 1e9",
            "policy_min_tokens_per_sec",
            "",
        ),
        (
            genuine.clone(),
            "min_prefill_tokens_per_sec = 1e9",
            "policy_times",
            "min_prefill_tokens_per_sec: ",
        ),
        (
            genuine,
            "max_time_to_first_token_ns = 1",
            "policy_times",
            "max_time_to_first_token_ns: ",
        ),
    ] {
        let mut text = "accept.engines = ['*']\n".to_owned();
        if !required.is_empty() {
            text += &format!("require.{required}\n");
        }
        let policy = Policy::read(text.as_bytes()).unwrap();
        let verdict = verify_under(receipt.to_string().as_bytes(), &policy).unwrap();
        assert_rejected_by(&verdict, &[rule_id]);
        assert_eq!(rule(&verdict, rule_id).evidence, format!("{place}{hidden}"));
    }
    // Our own engine may be too slow for a policy, and right.
    let policy = Policy::read(b"require.min_tokens_per_sec = 1e9").unwrap();
    let ours = verify_under(GENUINE.to_string().as_bytes(), &policy).unwrap();
    let evidence = &rule(&ours, "policy_min_tokens_per_sec").evidence;
    let rate = GENUINE["tokens_per_sec"].as_f64().unwrap();
    assert!(
        evidence.starts_with(&format!("found {rate}, ")),
        "{evidence}"
    );
}

/// It is said where the reference would have ended the text.
#[test]
fn an_explanation_counts_what_goes_on() {
    let receipt = serde_json::from_value(EXTERNAL.clone()).unwrap();
    let certain = |ends: usize| {
        let mut found = replay(&receipt).unwrap();
        let margins = &mut found.ranking.as_mut().unwrap().margins;
        margins[..ends].iter_mut().for_each(|m| m.goes_on = true);
        let mut checked = Checked::read(EXTERNAL.to_string().as_bytes()).unwrap();
        checked.with_model(&MODEL.facts());
        checked.with_replay(Ok(found));
        Explanation::of(&checked.verdict(), None).certain.concat()
    };
    let said = "; at 2 of them the model would have ended the text, and the best token that does not end it was expected";
    assert!(certain(2).contains(said), "{}", certain(2));
    assert!(certain(0).contains("each is") && !certain(0).contains("ended the text"));
}

/// Nothing of the engine's can break a line or look like a verdict.
#[test]
fn an_engine_is_shown_in_plain_text() {
    let receipt = edited(|r| {
        r["engine"]["version"] = json!("\u{202e}x".repeat(20));
        r["engine"]["command"] = json!("x".repeat(4000));
    });
    let text = replayed(&receipt).to_text("r.json");
    assert!(text.lines().all(|line| line.len() < 400), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
}
