//! Tools that read receipts of the older project keep working: its verifier's rules, encoded here,
//! accept a genuine receipt. What they accept beyond that is refused.

#[path = "tamper/genuine.rs"]
mod genuine;

use genuine::{EXTERNAL, GENUINE, assert_rejected_by, edited, replayed, rules, verify_with_replay};
use host::{
    receipt::{COMMON_SCHEMA, RECEIPT_SCHEMA},
    verify::{Conclusion, Outcome},
};
use serde_json::{Value, json};

/// The older verifier, with the rule that it names when it refuses.
fn older_verifier(receipt: &Value) -> Result<(), &'static str> {
    if !matches!(receipt["schema_version"].as_str(), Some("1.0.0" | "1.0")) {
        return Err("schema_version");
    }
    if receipt["compute_path"] != "real" {
        return Err("compute_path");
    }
    let kernels = receipt["kernels"].as_array().ok_or("kernels")?;
    if kernels.is_empty() || kernels.len() > 10_000 {
        return Err("number of kernels");
    }
    let ids: Option<Vec<&str>> = kernels.iter().map(Value::as_str).collect();
    let ids = ids.ok_or("kernel ids that are no strings")?;
    if ids.iter().any(|id| id.trim().is_empty() || id.len() > 128) {
        return Err("kernel ids");
    }
    let on_cpu = receipt["backend"] == "cpu";
    if on_cpu && !ids.iter().any(|id| is_quantized_cpu_kernel(id)) {
        return Err("no quantized CPU kernel");
    }
    Ok(())
}

fn is_quantized_cpu_kernel(id: &str) -> bool {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| id.starts_with(prefix));
    let is_quantized = starts(&["i2s_", "tl1_", "tl2_"]);
    let is_gpu = starts(&[
        "gemm_", "wmma_", "cublas_", "cutlass_", "cuda_", "tl1_gpu_", "tl2_gpu_",
    ]) || matches!(id, "i2s_quantize" | "i2s_dequantize");
    let is_fallback =
        starts(&["fp32_", "fallback_", "dequant_", "matmul_f32"]) || id.ends_with("_dequant");
    is_quantized && !is_gpu && !is_fallback
}

/// The rules are encoded as they were observed: these are the cases that were tried.
#[test]
fn the_encoded_rules_decide_as_the_older_verifier_did() {
    let receipt = |kernels: Value| json!({ "schema_version": "1.0.0", "compute_path": "real", "backend": "cpu", "kernels": kernels });
    for accepted in [
        json!(["i2s_gemv_avx2"]),
        json!(["i2s_quantize", "i2s_gemv_avx2"]),
        json!(["tl1_lookup"]),
        json!(["cuda_copy", "tl2_lookup"]),
    ] {
        assert_eq!(
            older_verifier(&receipt(accepted.clone())),
            Ok(()),
            "{accepted}"
        );
    }
    for refused in [
        json!([]),
        json!([1]),
        json!(["i2s_quantize"]),
        json!(["i2s_dequantize", "tl1_gpu_lookup"]),
        json!(["i2s_gemv_avx2", " "]),
        json!(["i2s_gemv_avx2", "x".repeat(129)]),
        json!(["i2s_dequant"]),
        json!(["rope_apply_avx2"]),
        json!(null),
    ] {
        assert!(
            older_verifier(&receipt(refused.clone())).is_err(),
            "{refused}"
        );
    }
    assert!(older_verifier(&json!({ "schema_version": "2.0" })).is_err());
    let mock = json!({ "schema_version": "1.0", "compute_path": "mock", "kernels": ["i2s_gemv"] });
    assert_eq!(older_verifier(&mock), Err("compute_path"));
}

#[test]
fn a_genuine_receipt_passes_the_older_verifier() {
    assert_eq!(older_verifier(&GENUINE), Ok(()));
    let genuine = GENUINE.to_string();
    let verdict = verify_with_replay(genuine.as_bytes()).unwrap();
    assert_eq!(verdict.conclusion, Conclusion::Accepted);
}

/// What another engine's receipt shows is less than what the older verifier expects of one: it refuses it.
#[test]
fn another_engines_receipt_is_refused_by_the_older_verifier() {
    assert_eq!(older_verifier(&EXTERNAL), Err("compute_path"));
    let mut renamed = EXTERNAL.clone();
    renamed["compute_path"] = json!("real");
    assert_eq!(older_verifier(&renamed), Err("number of kernels"));
    // A build of before there were other engines reads no later version, and finds it unverifiable.
    let older = ["1.1.0", "1.2.0", "1.3.0", "1.4.0"];
    assert!(older.contains(&GENUINE["receipt_schema"].as_str().unwrap()));
    assert!(!older.contains(&EXTERNAL["receipt_schema"].as_str().unwrap()));
    let verdict = replayed(&EXTERNAL);
    assert_eq!(verdict.conclusion, Conclusion::Accepted);
}

/// Receipts that the older verifier was seen to accept.
fn accepted_forgeries() -> Vec<Value> {
    vec![
        json!({ "schema_version": "1.0", "compute_path": "real", "kernels": ["i2s_"] }),
        json!({ "schema_version": "1.0.0", "compute_path": "real", "kernels": ["i2s_"] }),
        json!({
            "schema_version": "1.0.0", "compute_path": "real", "backend": "metal",
            "kernels": ["x"],
        }),
        json!({
            "schema_version": "1.0.0", "compute_path": "real", "backend": "cpu",
            "kernels": ["i2s_gemv"], "tokens_generated": 0, "tokens_per_sec": 1e9,
        }),
        json!({
            "schema_version": "1.0.0", "compute_path": "real", "backend": "cpu",
            "kernels": ["i2s_gemv"], "test_results": { "total": 5, "passed": 0, "failed": 5 },
        }),
        json!({
            "schema_version": "1.0.0", "compute_path": "real", "backend": "cpu",
            "kernels": ["i2s_gemv"], "parity": { "status": "divergence", "cosine": 0.01 },
        }),
    ]
}

/// They name no schema of ours, so nothing is known of them; what does is broken by its form.
#[test]
fn its_accepted_forgeries_are_not_accepted() {
    for mut forgery in accepted_forgeries() {
        assert_eq!(older_verifier(&forgery), Ok(()), "{forgery}");
        let verdict = verify_with_replay(forgery.to_string().as_bytes()).unwrap();
        assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{forgery}");
        assert_eq!(rules(&verdict, Outcome::Unverifiable), ["schema_version"]);
        forgery["schema_version"] = json!(COMMON_SCHEMA);
        forgery["receipt_schema"] = json!(RECEIPT_SCHEMA);
        let verdict = verify_with_replay(forgery.to_string().as_bytes()).unwrap();
        assert_rejected_by(&verdict, &["schema", "receipt_sha256"]);
    }
}

/// The same lies inside a receipt that is otherwise genuine: form alone does not save it.
#[test]
fn the_same_lies_in_a_genuine_receipt_are_rejected() {
    type Lie = fn(&mut Value);
    let lies: [(&str, Lie); 5] = [
        ("backend", |r| r["backend"] = json!("metal")),
        ("kernels", |r| r["kernels"] = json!(["i2s_"])),
        ("tokens_per_sec", |r| r["tokens_per_sec"] = json!(1e9)),
        ("token_count", |r| r["tokens_generated"] = json!(0)),
        ("schema", |r| r["parity"]["status"] = json!("divergence")),
    ];
    for (rule, lie) in lies {
        let forged = edited(lie);
        let verdict = replayed(&forged);
        assert_eq!(verdict.conclusion, Conclusion::Rejected, "{rule}");
        let failed = rules(&verdict, Outcome::Fail);
        assert!(failed.contains(&rule), "{rule} is not among {failed:?}");
    }
}
