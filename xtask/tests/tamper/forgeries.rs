//! Receipts that are consistent in themselves and still not what they say.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;
use host::{
    digest::Digest,
    examine::replay_receipt,
    guest::guest_sha256,
    task::seeded_prompt,
    verify::{
        AuditFinding, AuditReport, Checked, Conclusion, Covered, Outcome, Policy, ReplayFailure,
        Replayed,
    },
};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, GENUINE_BYTES, SANDBOX, TINY, assert_accepted, assert_only_unreplayed,
    assert_rejected_by, claim_samples, edited, replayed, rule, rules, seal, verify, verify_under,
};

/// A prompt of another seed, with everything that a forger can recompute recomputed.
#[test]
fn the_tokens_of_another_prompt_are_refuted_by_the_replay() {
    let forged = edited(|r| {
        r["run"]["prompt"]["seed"] = json!(43);
        r["environment"]["BITNET_SEED"] = json!("43");
        r["run"]["prompt_ids"] = json!(seeded_prompt(43, None, 4, 512));
    });
    let verdict = replayed(&forged);
    let failed = rules(&verdict, Outcome::Fail);
    assert!(
        failed.starts_with(&["parity_tokens", "parity_checksum"]),
        "{failed:?}"
    );
    assert!(verdict.tokens.starts_with("refuted ("), "{verdict:?}");
    let unseen = verify(forged.to_string().as_bytes()).unwrap();
    assert_eq!(unseen.tokens, "not replayed", "only the replay can tell");
}

#[test]
fn right_tokens_with_an_invented_checksum_are_refuted() {
    let invented = json!("00".repeat(32));
    let forged = edited(|r| {
        r["parity"]["checksum"] = invented.clone();
        r["parity"]["reference_checksum"] = invented.clone();
    });
    assert_rejected_by(&replayed(&forged), &["parity_checksum"]);
}

/// The ledger names the cache type: changing it everywhere leaves only the bits to tell.
#[test]
fn another_cache_type_is_refuted_by_the_checksum() {
    let text = GENUINE.to_string();
    for (kernel, other) in [
        ("kv_store_f16", "kv_store_f32"),
        ("attention_scores_f16", "attention_scores_f32"),
    ] {
        assert!(text.contains(kernel) && !text.contains(other));
    }
    let text = text
        .replace("kv_store_f16", "kv_store_f32")
        .replace("attention_scores_f16", "attention_scores_f32")
        .replace("attention_values_f16", "attention_values_f32");
    let mut forged: Value = serde_json::from_str(&text).unwrap();
    forged["run"]["kv_type"] = json!("f32");
    seal(&mut forged);
    let failed = rules(&replayed(&forged), Outcome::Fail);
    assert!(failed.contains(&"parity_checksum"), "{failed:?}");

    let only_named = edited(|r| r["run"]["kv_type"] = json!("f32"));
    let broken = ["ledger_kernels", "parity_checksum", "parity_fuel"];
    assert_rejected_by(&replayed(&only_named), &broken);
}

#[test]
fn kernels_of_another_isa_than_asked_for() {
    let ran = GENUINE["kernels"][0].as_str().unwrap();
    let other = if ran.ends_with("_avx2") {
        "scalar"
    } else {
        "avx2"
    };
    let forged = edited(|r| r["run"]["kernel"] = json!(other));
    assert_rejected_by(&replayed(&forged), &["ledger_kernels"]);
}

/// A kernel of a GPU, listed and accounted for.
#[test]
fn kernels_that_this_engine_does_not_have() {
    let forged = edited(|r| {
        let text = r.to_string().replace("i2s_gemv_", "cuda_i2s_gemv_");
        *r = serde_json::from_str(&text).unwrap();
        let mut kernels: Vec<String> = serde_json::from_value(r["kernels"].clone()).unwrap();
        kernels.sort();
        r["kernels"] = json!(kernels);
    });
    assert_rejected_by(&replayed(&forged), &["ledger_kernels"]);
}

/// A kernel that exists, for a type that the file does not have.
#[test]
fn kernels_of_another_type_than_the_files() {
    for (from, to) in [
        ("output_gemv_f16_", "output_gemv_q8_0_"),
        ("embedding_row_f16_", "embedding_row_f32_"),
    ] {
        let forged = edited(|r| {
            *r = serde_json::from_str(&r.to_string().replace(from, to)).unwrap();
            let mut kernels: Vec<String> = serde_json::from_value(r["kernels"].clone()).unwrap();
            kernels.sort();
            r["kernels"] = json!(kernels);
        });
        assert_rejected_by(&replayed(&forged), &["model_kernels"]);
    }
}

/// Work moved between the kernels of one operation is the engine's affair; between operations not.
#[test]
fn the_ledger_accounts_for_each_operation_by_itself() {
    let forged = edited(|r| {
        let entries = r["kernel_ledger"].as_array_mut().unwrap();
        for (op, by) in [("ffn_up", 1), ("ffn_gate", -1)] {
            let entry = entries.iter_mut().find(|e| e["op"] == op).unwrap();
            let macs = entry["multiply_accumulates"].as_i64().unwrap();
            entry["multiply_accumulates"] = json!(macs + by);
        }
    });
    assert_rejected_by(&replayed(&forged), &["ledger_work"]);
}

/// Sums that wrap around would let any figure through.
#[test]
fn a_ledger_that_overflows() {
    let forged = edited(|r| {
        let entries = r["kernel_ledger"].as_array_mut().unwrap();
        let mut more = entries[0].clone();
        more["multiply_accumulates"] = json!((1u64 << 53) - 1);
        entries.extend(vec![more; 4096]);
    });
    assert_rejected_by(&replayed(&forged), &["ledger_entries", "ledger_work"]);
}

/// A status alone does not undo a replay: the receipt says both.
#[test]
fn a_run_that_says_both_that_it_was_replayed_and_that_it_was_not() {
    let forged = edited(|r| r["parity"]["status"] = json!("not_checked"));
    assert_rejected_by(&replayed(&forged), &["parity_record"]);
}

#[test]
fn another_model_is_unverifiable() {
    let forged = edited(|r| r["model"]["sha256"] = json!("ab".repeat(32)));
    let verdict = replayed(&forged);
    assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
    let open = rules(&verdict, Outcome::Unverifiable);
    assert_eq!(open, ["model_sha256", "parity_replay"], "{verdict:?}");
    assert_eq!(verdict.replayed, Replayed::Nothing);
}

/// The genuine receipt as of another guest, with an edit.
fn of_another_guest(edit: impl FnOnce(&mut Value)) -> Value {
    edited(|r| {
        r["parity"]["guest_sha256"] = json!("ab".repeat(32));
        edit(r);
    })
}

/// Whichever guest the writer had: the same bits are the same run.
#[test]
fn another_guest_is_noted_where_ours_agrees() {
    let receipt = of_another_guest(|_| ());
    let verdict = replayed(&receipt);
    assert_accepted(&verdict);
    let noted = rules(&verdict, Outcome::Note);
    assert_eq!(noted, ["guest_sha256", "parity_fuel"], "{verdict:?}");
    let evidence = &rule(&verdict, "guest_sha256").evidence;
    for guest in ["ab".repeat(32), guest_sha256().to_string()] {
        assert!(evidence.contains(&guest), "{evidence}");
    }
    // Its fuel is not comparable, whatever it is; that there is some remains a rule.
    assert_accepted(&replayed(&of_another_guest(|r| {
        r["parity"]["fuel"] = json!(7)
    })));
    let without = of_another_guest(|r| r["parity"]["fuel"] = json!(0));
    assert_rejected_by(&replayed(&without), &["parity_record"]);
    // Unseen it is worth no more than any other.
    assert_only_unreplayed(&verify(receipt.to_string().as_bytes()).unwrap());
}

/// Another guest's arithmetic may be another one: a difference refutes nothing, and proves nothing.
#[test]
fn another_guest_is_unverifiable_where_ours_differs() {
    let invented = json!("00".repeat(32));
    let tokens = of_another_guest(|r| r["tokens"] = json!([7, 7, 7]));
    let checksum = of_another_guest(|r| {
        r["parity"]["checksum"] = invented.clone();
        r["parity"]["reference_checksum"] = invented.clone();
    });
    for (receipt, open) in [
        (tokens, &["parity_tokens", "parity_checksum"][..]),
        (checksum, &["parity_checksum"]),
    ] {
        let verdict = replayed(&receipt);
        assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
        assert_eq!(rules(&verdict, Outcome::Unverifiable), open, "{verdict:?}");
        assert!(verdict.tokens.starts_with("not proved ("), "{verdict:?}");
        for id in open {
            let evidence = &rule(&verdict, id).evidence;
            assert!(evidence.contains("another guest"), "{evidence}");
        }
    }
}

/// A verifier may know the guests that count.
#[test]
fn a_policy_may_refuse_another_guest() {
    let receipt = of_another_guest(|_| ());
    let under = |guest: &str| {
        let policy = format!("accept.guests = ['{guest}']");
        let policy = Policy::read(policy.as_bytes()).unwrap();
        verify_under(receipt.to_string().as_bytes(), &policy).unwrap()
    };
    assert_rejected_by(&under(&guest_sha256().to_string()), &["policy_guest"]);
    assert_accepted(&under(&"ab".repeat(32)));
}

/// What an audit finds of another guest's receipt counts as a replay's difference does.
#[test]
fn an_audit_of_another_guest_is_unverifiable_where_ours_differs() {
    let report = AuditReport {
        units: vec!["layer 3".into()],
        n_units: 7,
        covered: Covered::default(),
        nonce: Some(Digest([1; 32])),
        is_fresh: true,
        detection: Some(1.0 / 7.0),
    };
    let audited = |receipt: &Value| {
        let mut checked = Checked::read(receipt.to_string().as_bytes()).unwrap();
        let why = "layer 3 differs".to_owned();
        checked.with_audit(AuditFinding::Differs(report.clone(), why));
        checked.verdict()
    };
    assert_rejected_by(&audited(&GENUINE), &["audit_units"]);
    let verdict = audited(&of_another_guest(|_| ()));
    assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
    assert_eq!(rules(&verdict, Outcome::Unverifiable), ["audit_units"]);
}

/// The cheapest forgery: any tokens, a third of the times, another CPU, and the digest made anew.
#[test]
fn invented_tokens_at_three_times_the_speed() {
    let mut forged: Value = serde_json::from_slice(&GENUINE_BYTES).unwrap();
    let a_third = |ns: &Value| json!(ns.as_u64().unwrap() / 3);
    let mut samples = forged["samples"].clone();
    samples["prefill_ns"][0] = a_third(&samples["prefill_ns"][0]);
    for i in 0..2 {
        samples["decode_ns"][0][i] = a_third(&samples["decode_ns"][0][i]);
    }
    claim_samples(&mut forged, samples);
    forged["tokens"] = json!([7, 7, 7]);
    forged["host"]["cpu_model"] = json!("a faster one");
    seal(&mut forged);
    assert_only_unreplayed(&verify(forged.to_string().as_bytes()).unwrap());
    let verdict = replayed(&forged);
    assert_eq!(verdict.conclusion, Conclusion::Rejected, "{verdict:?}");
    let failed = rules(&verdict, Outcome::Fail);
    assert!(failed.contains(&"parity_tokens"), "{verdict:?}");
    assert!(
        verdict
            .tokens
            .starts_with("refuted (position 3: found token 7, ")
    );
}

/// One rule broken and another unverifiable: the broken one decides.
#[test]
fn rejection_outweighs_unverifiability() {
    let forged = edited(|r| {
        r["parity"]["guest_sha256"] = json!("ab".repeat(32));
        r["tokens"] = json!([7, 7, 7]);
        r["timing_ms"] = json!(0.001);
    });
    let verdict = replayed(&forged);
    assert_rejected_by(&verdict, &["timing_ms"]);
    assert!(rules(&verdict, Outcome::Unverifiable).contains(&"parity_tokens"));
}

#[test]
fn every_broken_rule_is_listed() {
    let forged = edited(|r| {
        r["backend"] = json!("metal");
        r["timing_ms"] = json!(0.001);
        r["model"]["file_name"] = json!("../tiny.gguf");
        r["created"] = json!("yesterday");
    });
    let expected = ["backend", "model_file_name", "created", "timing_ms"];
    assert_rejected_by(&replayed(&forged), &expected);
}

/// More positions than the model has would be refused by the engine.
#[test]
fn a_run_beyond_the_context() {
    let forged = edited(|r| r["model"]["shape"]["context_length"] = json!(5));
    let unseen = verify(forged.to_string().as_bytes()).unwrap();
    assert_rejected_by(&unseen, &["context"]);
    let broken = ["context", "model_record", "parity_replay"];
    assert_rejected_by(&replayed(&forged), &broken);
}

#[test]
fn a_deterministic_run_on_two_threads() {
    let forged = edited(|r| {
        r["run"]["threads"] = json!(2);
        r["environment"]["RAYON_NUM_THREADS"] = json!("2");
    });
    assert_rejected_by(&replayed(&forged), &["environment"]);
}

/// What a verdict quotes of a receipt is cut to 1000 bytes, between two characters.
#[test]
fn a_long_quotation_is_cut_short() {
    let (before, after) = ("found \"", "\", allowed \"cpu\"");
    let fits = 1000 - before.len() - after.len();
    let room = 1000 - before.len();
    for (backend, shown) in [
        ("x".repeat(fits), "x".repeat(fits) + after),
        (
            "x".repeat(fits + 1),
            "x".repeat(fits + 1) + &after[..15] + "…",
        ),
        ("x".repeat(5000), "x".repeat(room) + "…"),
        ("é".repeat(501), "é".repeat(room / 2) + "…"),
        (
            "x".to_owned() + &"é".repeat(500),
            "x".to_owned() + &"é".repeat((room - 1) / 2) + "…",
        ),
    ] {
        let receipt = edited(|r| r["backend"] = json!(backend));
        let verdict = replayed(&receipt);
        assert_rejected_by(&verdict, &["backend"]);
        assert_eq!(
            rule(&verdict, "backend").evidence,
            before.to_owned() + &shown
        );
    }
}

/// A reference that meets infinity has given its answer: no run of this model leaves these tokens.
#[test]
fn a_run_that_cannot_be_finished_is_refuted() {
    let mut file = std::fs::read(TINY).unwrap();
    let model = Model::from_bytes(file.clone()).unwrap();
    let norm = &model.layers()[0].attn_norm;
    let bytes =
        |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|x| x.to_le_bytes()).collect() };
    let genuine = bytes(norm);
    let mut places = file.windows(genuine.len()).enumerate();
    let (place, _) = places.find(|(_, found)| *found == genuine).unwrap();
    file[place..][..genuine.len()].copy_from_slice(&bytes(&vec![f32::MAX; norm.len()]));
    let model = Arc::new(Model::from_bytes(file).unwrap());

    let replayed = |receipt: &Value| {
        let mut checked = Checked::read(receipt.to_string().as_bytes()).unwrap();
        let receipt = checked.receipt.clone().unwrap();
        let replay = replay_receipt(&receipt, &SANDBOX, &model, NonZeroUsize::MIN);
        checked.with_replay(replay.unwrap());
        checked.verdict()
    };
    let verdict = replayed(&GENUINE);
    assert_rejected_by(&verdict, &["parity_replay"]);
    assert!(verdict.tokens.starts_with("refuted ("), "{verdict:?}");
    assert_eq!(verdict.replayed, Replayed::Nothing);
    // Another guest may have finished it.
    let verdict = replayed(&of_another_guest(|_| ()));
    assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
    assert_eq!(rules(&verdict, Outcome::Unverifiable), ["parity_replay"]);
}

/// A sandbox that has no answer says nothing about the run, whoever wrote the receipt.
#[test]
fn a_replay_without_an_answer_is_unverifiable() {
    let mut checked = Checked::read(GENUINE.to_string().as_bytes()).unwrap();
    let why = "the guest trapped".to_owned();
    checked.with_replay(Err(ReplayFailure::Unanswered(why.clone())));
    let verdict = checked.verdict();
    assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
    assert_eq!(rules(&verdict, Outcome::Unverifiable), ["parity_replay"]);
    assert_eq!(verdict.tokens, format!("not proved ({why})"));

    let report = AuditReport {
        units: vec!["layer 3".into()],
        n_units: 7,
        covered: Covered::default(),
        nonce: Some(Digest([1; 32])),
        is_fresh: true,
        detection: Some(1.0 / 7.0),
    };
    for (finding, rule) in [
        (AuditFinding::Unanswered(report, why.clone()), "audit_units"),
        (AuditFinding::NoTranscript(why.clone()), "audit_transcript"),
    ] {
        let mut checked = Checked::read(GENUINE.to_string().as_bytes()).unwrap();
        checked.with_audit(finding);
        let verdict = checked.verdict();
        assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
        assert_eq!(rules(&verdict, Outcome::Unverifiable), [rule]);
        assert_eq!(verdict.tokens, format!("not audited ({why})"));
    }
}

/// Whatever a caller forgets to say of a replay: what nobody replayed is not accepted.
#[test]
fn nothing_is_accepted_unseen() {
    let verdict = Checked::read(&GENUINE_BYTES).unwrap().verdict();
    assert_only_unreplayed(&verdict);
    assert_eq!(
        rule(&verdict, "parity_replay").evidence,
        "nothing was replayed"
    );
}
