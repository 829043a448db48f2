//! Forgeries that need only the receipt's JSON.

use host::receipt::{milliseconds, per_second, seal};
use serde_json::{Value, json};

/// Claims other times consistently: replaces the samples, and every figure that follows from them.
///
/// # Panics
/// `receipt` or `samples` does not have the expected fields.
pub fn claim_samples(receipt: &mut Value, samples: Value) {
    let sum = |steps: &Value| -> u64 {
        let steps = steps.as_array().unwrap().iter();
        steps.map(|ns| ns.as_u64().unwrap()).sum()
    };
    let prefill = samples["prefill_ns"].as_array().unwrap().iter();
    let decode = samples["decode_ns"].as_array().unwrap().iter();
    let runs = prefill.map(|ns| ns.as_u64().unwrap()).zip(decode.map(sum));
    let mut runs: Vec<(u64, u64)> = runs.collect();
    runs.sort_by_key(|(prefill, decode)| prefill + decode);
    let (prefill, decode) = runs[(runs.len() - 1) / 2];
    let n = receipt["tokens_generated"].as_u64().unwrap();
    let n_prompt = receipt["run"]["prompt_ids"].as_array().unwrap().len() as u64;
    receipt["run"]["repetitions"] = json!(runs.len());
    receipt["timing_ms"] = json!(milliseconds(prefill + decode));
    receipt["tokens_per_sec"] = json!(per_second(n, prefill + decode));
    receipt["prefill_tokens_per_sec"] = json!(per_second(n_prompt, prefill));
    receipt["decode_tokens_per_sec"] = json!(per_second(n - 1, decode));
    receipt["samples"] = samples;
    seal(receipt);
}
