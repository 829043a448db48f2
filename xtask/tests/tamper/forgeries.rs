//! Receipts that are consistent in themselves and still not what they say.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;
use host::{
    task::seeded_prompt,
    verify::{Checked, Conclusion, Outcome},
};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, SANDBOX, TINY, assert_rejected_by, edited, replayed, rules, seal, verify,
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
    assert_rejected_by(&replayed(&only_named), &["ledger_kernels"]);
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

#[test]
fn a_run_that_was_not_replayed() {
    let forged = edited(|r| r["parity"]["status"] = json!("not_checked"));
    assert_rejected_by(&replayed(&forged), &["parity_status", "parity_record"]);
    let honest = edited(|r| {
        let checksum = r["parity"]["checksum"].clone();
        r["parity"] = json!({
            "status": "not_checked", "checksum": checksum, "reference_checksum": null,
            "positions_compared": 0, "first_divergence": null, "guest_sha256": null,
            "wasmtime_version": null, "fuel": null, "wall_ns": null,
        });
    });
    assert_rejected_by(&replayed(&honest), &["parity_status"]);
}

#[test]
fn another_guest_or_another_model_is_unverifiable() {
    let other = json!("ab".repeat(32));
    let guest = edited(|r| r["parity"]["guest_sha256"] = other.clone());
    let model = edited(|r| r["model"]["sha256"] = other.clone());
    for (receipt, rule) in [(guest, "guest_sha256"), (model, "model_sha256")] {
        let verdict = replayed(&receipt);
        assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
        assert!(
            rules(&verdict, Outcome::Unverifiable).contains(&rule),
            "{verdict:?}"
        );
        assert!(rules(&verdict, Outcome::Fail).is_empty(), "{verdict:?}");
    }
}

/// One rule broken and another unverifiable: the broken one decides.
#[test]
fn rejection_outweighs_unverifiability() {
    let forged = edited(|r| {
        r["parity"]["guest_sha256"] = json!("ab".repeat(32));
        r["timing_ms"] = json!(0.001);
    });
    assert_rejected_by(&replayed(&forged), &["timing_ms"]);
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
    assert_rejected_by(&replayed(&forged), &["context", "model_record"]);
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
fn a_long_name_is_cut_short() {
    for (name, shown) in [
        ("x".repeat(1000), "x".repeat(1000)),
        ("x".repeat(1001), "x".repeat(1000) + "…"),
        ("x".repeat(5000), "x".repeat(1000) + "…"),
        ("é".repeat(501), "é".repeat(500) + "…"),
        (
            "x".to_owned() + &"é".repeat(500),
            "x".to_owned() + &"é".repeat(499) + "…",
        ),
    ] {
        let receipt = edited(|r| r["host"]["cpu_model"] = json!(name));
        let verdict = replayed(&receipt);
        let named = format!(" tokens/s, claimed by {shown} (decoding ");
        assert!(verdict.speed.contains(&named), "{}", verdict.speed);
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

    let mut checked = Checked::read(GENUINE.to_string().as_bytes()).unwrap();
    checked
        .with_replay(&SANDBOX, &model, NonZeroUsize::MIN, &mut |_, _| {})
        .unwrap();
    let verdict = checked.verdict();
    assert_rejected_by(&verdict, &["parity_replay"]);
    assert!(
        verdict.tokens.starts_with("refuted ("),
        "{}",
        verdict.tokens
    );
}
