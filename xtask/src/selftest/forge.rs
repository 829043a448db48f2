//! Forgeries that need only the receipt's JSON.

use host::receipt::{
    EXTERNAL, EXTERNAL_SCHEMA, Figures, RepetitionEvidence, Samples, Witness, milliseconds,
    per_second, seal,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Claims other times consistently: replaces the samples, and every figure that follows from them. A
/// witness that agrees with each repetition is invented, too, unless `samples` has one.
///
/// # Panics
/// `receipt` or `samples` does not have the expected fields.
pub fn claim_samples(receipt: &mut Value, mut samples: Value) {
    let sum = |steps: &Value| -> u64 {
        let steps = steps.as_array().unwrap().iter();
        steps.map(|ns| ns.as_u64().unwrap()).sum()
    };
    let prefill = samples["prefill_ns"].as_array().unwrap().iter();
    let decode = samples["decode_ns"].as_array().unwrap().iter();
    let runs = prefill.map(|ns| ns.as_u64().unwrap()).zip(decode.map(sum));
    let mut runs: Vec<(u64, u64)> = runs.collect();
    let fields = samples.as_object_mut().unwrap();
    if receipt["samples"].get("witness").is_some() {
        let is_external = receipt.get("engine").is_some();
        let witness = runs.iter().map(|(prefill, decode)| match is_external {
            true => watched(prefill + decode),
            false => agreeing(prefill + decode),
        });
        fields.entry("witness").or_insert_with(|| witness.collect());
        fields.entry("discarded").or_insert_with(|| json!([]));
    }
    if receipt["samples"].get("depth_ns").is_some() {
        fields.entry("depth_ns").or_insert_with(|| json!([]));
    }
    runs.sort_by_key(|(prefill, decode)| prefill + decode);
    let (prefill, decode) = runs[(runs.len() - 1) / 2];
    let n = receipt["tokens_generated"].as_u64().unwrap();
    let n_prompt = receipt["run"]["prompt_ids"].as_array().unwrap().len() as u64;
    let depth = receipt["run"].get("depth").and_then(Value::as_u64);
    let n_prefilled = n_prompt - depth.unwrap_or(0);
    receipt["run"]["repetitions"] = json!(runs.len());
    receipt["timing_ms"] = json!(milliseconds(prefill + decode));
    receipt["tokens_per_sec"] = json!(per_second(n, prefill + decode));
    receipt["prefill_tokens_per_sec"] = json!(per_second(n_prefilled, prefill));
    receipt["decode_tokens_per_sec"] = json!(per_second(n - 1, decode));
    if receipt.get("figures").is_some() {
        let samples = Samples::deserialize(&samples).expect("the samples have their fields");
        receipt["figures"] = json!(Figures::of(&samples));
    }
    if let Some(evidence) = receipt.get_mut("evidence") {
        evidence["repetitions"] = json!(vec![RepetitionEvidence::default(); runs.len()]);
    }
    receipt["samples"] = samples;
    seal(receipt);
}

/// Turns a genuine receipt into one of another engine, which has chosen the same tokens in the same times:
/// all of them are the reference's choice, so this one is genuine as well.
///
/// # Panics
/// `receipt` does not have the expected fields.
pub fn as_external(receipt: &mut Value) {
    let times = |r: &Value, i: usize| {
        let steps = r["samples"]["decode_ns"][i].as_array().unwrap().iter();
        let steps: u64 = steps.map(|ns| ns.as_u64().unwrap()).sum();
        r["samples"]["prefill_ns"][i].as_u64().unwrap() + steps
    };
    let n = receipt["samples"]["prefill_ns"].as_array().unwrap().len();
    let witness: Value = (0..n).map(|i| watched(times(receipt, i))).collect();
    let n_tokens = receipt["tokens"].as_array().unwrap().len();
    receipt["receipt_schema"] = json!(EXTERNAL_SCHEMA);
    receipt["compute_path"] = json!(EXTERNAL);
    receipt["engine"] = json!({
        "name": "other", "version": "1.0", "sha256": null, "command": "other -m {model}", "model": null,
    });
    receipt["kernels"] = json!([]);
    receipt["kernel_ledger"] = json!(null);
    receipt["run"]["kernel"] = json!(EXTERNAL);
    receipt["run"]["attempts"] = json!(1);
    receipt["samples"]["witness"] = witness;
    receipt["samples"]["discarded"] = json!([]);
    receipt["evidence"]["engine_opt_level"] = json!("unknown");
    receipt["evidence"]["read_bandwidth"] = json!(null);
    receipt["evidence"]["repetitions"] = json!(vec![RepetitionEvidence::default(); n]);
    receipt["parity"]["status"] = json!("consistent");
    receipt["parity"]["judgement"] = json!({ "tolerance": 0.5, "exact": n_tokens, "tied": 0 });
    seal(receipt);
}

/// What is known of a repetition of another engine that takes `ns`.
fn watched(ns: u64) -> Value {
    json!(Witness {
        wall_ns: ns,
        ..Witness::default()
    })
}

/// What the system might say of a repetition whose steps take `ns`.
fn agreeing(ns: u64) -> Value {
    json!({
        "wall_ns": ns + 900,
        "cpu_ns": ns + 800,
        "involuntary_switches": 0,
        "instructions": null,
        "cycles": null,
    })
}
