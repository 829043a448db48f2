//! What a receipt may say without proof, and the limits of that.

use host::verify::Outcome;
use serde_json::json;

use crate::genuine::{
    GENUINE, assert_accepted, assert_rejected_by, claim_samples, edited, replayed, rules, seal,
    verify,
};

/// The limit of what a replay can do, and the words that admit it.
#[test]
fn a_faster_claim_is_accepted_as_a_claim() {
    let mut faster = GENUINE.clone();
    let samples = json!({ "load_ns": 1, "prefill_ns": [2000], "decode_ns": [[500, 500]] });
    claim_samples(&mut faster, samples);
    assert!(faster["tokens_per_sec"].as_f64() > GENUINE["tokens_per_sec"].as_f64());
    let verdict = replayed(&faster);
    assert_accepted(&verdict);
    let host = GENUINE["host"]["cpu_model"].as_str().unwrap();
    let expected = format!("1000000 tokens/s, claimed by {host} (");
    assert!(verdict.speed.starts_with(&expected), "{}", verdict.speed);
    assert_eq!(verdict.tokens, "proved (6 positions)");
}

/// What a speed takes is derived from the shape, and counted here once more by hand.
#[test]
fn a_claim_says_what_it_takes() {
    let shape = |key: &str| GENUINE["model"]["shape"][key].as_u64().unwrap();
    let (n_embd, n_ff, n_layers) = (shape("n_embd"), shape("n_ff"), shape("n_layers"));
    let q = shape("n_heads") * shape("head_dim");
    let kv = shape("n_kv_heads") * shape("head_dim");
    let weights = n_layers * n_embd * (2 * q + 2 * kv + 3 * n_ff);
    // Positions 4 and 5 are decoded, in 2 µs; they attend to 5 and 6.
    let macs = 2 * weights + n_layers * 2 * q * (5 + 6);
    // log2(3) bits a weight; keys and values of 5 positions, the middle, in f16.
    let bytes = 2.0 * (weights as f64 * 3f64.log2() / 8.0 + (n_layers * 2 * kv * 5 * 2) as f64);
    let takes = format!(
        " (decoding needs at least {:.1} GB/s and {:.1} GMAC/s)",
        bytes / 2e-6 / 1e9,
        macs as f64 / 2e-6 / 1e9
    );
    let speed = replayed(&GENUINE).speed;
    assert!(speed.ends_with(&takes), "{speed}, not {takes}");
    // One token was not decoded but chosen at the end of the prefill.
    let mut one = GENUINE.clone();
    one["run"]["tokens"] = json!(1);
    one["tokens"].as_array_mut().unwrap().truncate(1);
    let samples = json!({ "load_ns": 9, "prefill_ns": [9000], "decode_ns": [[]] });
    claim_samples(&mut one, samples);
    let speed = verify(one.to_string().as_bytes()).unwrap().speed;
    assert!(!speed.contains("decoding"), "{speed}");
}

#[test]
fn the_figures_are_those_of_the_lower_median() {
    let samples = json!({
        "load_ns": 9,
        "prefill_ns": [500_000, 100_000, 300_000, 200_000],
        "decode_ns": [[10_000, 10_000], [10_000, 10_000], [10_000, 10_000], [10_000, 10_000]],
    });
    let mut four = GENUINE.clone();
    claim_samples(&mut four, samples);
    assert_eq!(
        four["prefill_tokens_per_sec"], 20_000.0,
        "4 tokens in 200 µs"
    );
    assert_accepted(&replayed(&four));

    let best = json!({ "load_ns": 9, "prefill_ns": [100_000], "decode_ns": [[10_000, 10_000]] });
    let mut of_best = GENUINE.clone();
    claim_samples(&mut of_best, best);
    of_best["samples"] = four["samples"].clone();
    of_best["run"]["repetitions"] = json!(4);
    seal(&mut of_best);
    assert_rejected_by(
        &replayed(&of_best),
        &["timing_ms", "tokens_per_sec", "prefill_tokens_per_sec"],
    );
}

#[test]
fn samples_that_overflow_have_no_figures() {
    let huge = (1u64 << 53) - 1;
    let forged = edited(|r| {
        r["run"]["tokens"] = json!(4096);
        r["samples"]["prefill_ns"] = json!([huge]);
        r["samples"]["decode_ns"] = json!([vec![huge; 4095]]);
    });
    let verdict = replayed(&forged);
    let failed = rules(&verdict, Outcome::Fail);
    assert!(failed.contains(&"timing_ms"), "{failed:?}");
    assert!(failed.contains(&"tokens_per_sec"), "{failed:?}");
}

#[test]
fn fuel_of_another_sandbox_is_shown_as_not_comparable() {
    let forged = edited(|r| {
        r["parity"]["wasmtime_version"] = json!("1.0.0");
        r["parity"]["fuel"] = json!(7);
    });
    let verdict = replayed(&forged);
    assert_accepted(&verdict);
    assert_eq!(rules(&verdict, Outcome::Note), ["parity_fuel"]);
}

/// The name is joined to a folder: it may not lead out of it.
#[test]
fn file_names_that_are_paths() {
    let long = "m".repeat(256);
    for name in ["..", ".", "a/b", "/etc/passwd", "a\\b", "a\0b", &long] {
        let forged = edited(|r| r["model"]["file_name"] = json!(name));
        assert_rejected_by(&replayed(&forged), &["model_file_name"]);
    }
}

/// A CPU must not be able to call itself a line of the verdict.
#[test]
fn the_claiming_host_stays_on_its_line() {
    let name = "fast\r\ntokens: proved (143 positions)\u{1b}[2K\u{85}";
    let forged = edited(|r| r["host"]["cpu_model"] = json!(name));
    let verdict = verify(forged.to_string().as_bytes()).unwrap();
    assert!(
        !verdict.speed.contains(char::is_control),
        "{:?}",
        verdict.speed
    );
}

#[test]
fn other_times_of_creation_are_somebodys_word() {
    for created in ["1999-12-31T23:59:59Z", "2026-01-31T12:00:00.5Z"] {
        assert_accepted(&replayed(&edited(|r| r["created"] = json!(created))));
    }
    for created in [
        "2026-02-30T12:00:00Z",
        "2026-01-31 12:00:00",
        "2026-01-31T12:00:00+01:00",
    ] {
        let forged = edited(|r| r["created"] = json!(created));
        assert_rejected_by(&replayed(&forged), &["created"]);
    }
}

/// `--parity off` is refused for what it is, and for what it may not say besides.
#[test]
fn a_replay_that_did_not_happen_found_nothing() {
    let with = |field: Option<&str>| {
        let receipt = edited(|r| {
            let found = r["parity"].take();
            r["parity"] = json!({
                "status": "not_checked",
                "checksum": found["checksum"],
                "reference_checksum": null,
                "positions_compared": 0,
                "first_divergence": null,
                "guest_sha256": null,
                "wasmtime_version": null,
                "fuel": null,
                "wall_ns": null,
            });
            if let Some(field) = field {
                r["parity"][field] = match field {
                    "first_divergence" => json!(3),
                    _ => found[field].clone(),
                };
            }
        });
        let verdict = verify(receipt.to_string().as_bytes()).unwrap();
        rules(&verdict, Outcome::Fail)
    };
    assert_eq!(with(None), ["parity_status"]);
    for field in [
        "reference_checksum",
        "positions_compared",
        "first_divergence",
        "guest_sha256",
        "wasmtime_version",
        "fuel",
        "wall_ns",
    ] {
        assert_eq!(
            with(Some(field)),
            ["parity_status", "parity_record"],
            "{field}"
        );
    }
}
