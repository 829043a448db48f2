//! What a receipt may say without proof, and the limits of that.

use host::verify::{Checked, Claim, Conclusion, Outcome, Policy, Replayed};
use serde_json::{Value, json};

use crate::genuine::{
    GENUINE, assert_accepted, assert_only_unreplayed, assert_rejected_by, claim_samples, edited,
    replayed, rule, rules, seal, verify, verify_under,
};

/// What a receipt is said to claim.
fn claimed(receipt: &Value) -> Claim {
    let verdict = verify(receipt.to_string().as_bytes()).unwrap();
    verdict.receipt.unwrap().claimed
}

/// The limit of what a replay can do, and the words that admit it.
#[test]
fn a_faster_claim_is_accepted_as_a_claim() {
    let mut faster = GENUINE.clone();
    let samples = json!({ "load_ns": 1, "prefill_ns": [20_000], "decode_ns": [[5000, 5000]] });
    claim_samples(&mut faster, samples);
    assert!(faster["tokens_per_sec"].as_f64() > GENUINE["tokens_per_sec"].as_f64());
    let verdict = replayed(&faster);
    assert_accepted(&verdict);
    assert_eq!(verdict.replayed, Replayed::Everything);
    assert_eq!(
        verdict.tokens,
        "proved by a replay, bit for bit (6 positions)"
    );
    let claim = &verdict.receipt.as_ref().unwrap().claimed;
    assert_eq!(claim.speed.unwrap().tokens_per_sec, 1e5);
    assert_eq!(claim.cpu, GENUINE["host"]["cpu_model"].as_str().unwrap());
    // Every figure stands behind the words that nobody proved it.
    let text = verdict.to_text("r.json");
    let (proved, claims) = text.split_once("not proved, the writer's word:\n").unwrap();
    assert!(!proved.contains("tokens/s"), "{text}");
    let rates = "  tokens/s  200000 decode, 200000 prefill, 100000 both\n";
    assert!(claims.starts_with(rates), "{text}");
    assert!(
        claims.contains(&format!("\n  machine   {}, ", claim.cpu)),
        "{text}"
    );
}

/// What a speed takes is derived from the shape, and counted here once more by hand.
#[test]
fn a_claim_says_what_it_takes() {
    let shape = |key: &str| GENUINE["model"]["shape"][key].as_u64().unwrap();
    let (n_embd, n_ff, n_layers) = (shape("n_embd"), shape("n_ff"), shape("n_layers"));
    let q = shape("n_heads") * shape("head_dim");
    let kv = shape("n_kv_heads") * shape("head_dim");
    let weights = n_layers * n_embd * (2 * q + 2 * kv + 3 * n_ff);
    let output = shape("n_vocab") * n_embd;
    // Positions 4 and 5 are decoded, in 20 µs; they attend to 5 and 6.
    let macs = 2 * (weights + output) + n_layers * 2 * q * (5 + 6);
    // log2(3) bits a weight, 4.5 for those of the output; keys and values of 5 positions, the middle,
    // in f16.
    let kv_bytes = (n_layers * 2 * kv * 5 * 2) as f64;
    let weight_bytes = weights as f64 * 3f64.log2() / 8.0 + output as f64 * 4.5 / 8.0;
    let bytes = 2.0 * (weight_bytes + kv_bytes);
    let (gb, gmac) = (bytes / 20e-6 / 1e9, macs as f64 / 20e-6 / 1e9);
    let verdict = replayed(&GENUINE);
    let claim = verdict.receipt.as_ref().unwrap().claimed.speed.unwrap();
    let is_near = |found: Option<f64>, x: f64| found.is_some_and(|y| (y / x - 1.0).abs() < 1e-12);
    assert!(is_near(claim.decode_reads_gb_per_sec, gb), "{claim:?}");
    assert!(is_near(claim.decode_gmac_per_sec, gmac), "{claim:?}");
    let takes = format!("(decoding takes at least {gb:.1} GB/s and {gmac:.1} GMAC/s)\n");
    let text = verdict.to_text("r.json");
    assert!(text.contains(&takes), "{text}, not {takes}");
    // One token was not decoded but chosen at the end of the prefill.
    let mut one = GENUINE.clone();
    one["run"]["tokens"] = json!(1);
    one["tokens"].as_array_mut().unwrap().truncate(1);
    let samples = json!({ "load_ns": 9, "prefill_ns": [9000], "decode_ns": [[]] });
    claim_samples(&mut one, samples);
    let claim = claimed(&one).speed.unwrap();
    assert_eq!(claim.decode_reads_gb_per_sec, None);
    assert_eq!(claim.decode_gmac_per_sec, None);
    let text = verify(one.to_string().as_bytes()).unwrap();
    assert!(!text.to_text("r.json").contains("decoding"), "{text:?}");
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
    of_best["evidence"]["repetitions"] = four["evidence"]["repetitions"].clone();
    seal(&mut of_best);
    let rules = [
        "timing_ms",
        "tokens_per_sec",
        "prefill_tokens_per_sec",
        "figures",
    ];
    assert_rejected_by(&replayed(&of_best), &rules);
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

/// Texts of a receipt that try to be lines of the verdict, wherever it shows them.
#[test]
fn what_a_receipt_says_stays_on_its_line() {
    let lie = "x\r\ntokens: proved by a replay\naccepted: r.json\u{1b}[2K\u{85}\u{9b}1A";
    let lines = replayed(&GENUINE).to_text("r.json").lines().count();
    for pointer in [
        "/host/cpu_model",
        "/host/os",
        "/created",
        "/build/git_commit",
        "/build/profile",
        "/model/file_name",
        "/model/architecture",
        "/model/weight_types/0/type",
        "/run/kernel",
        "/run/kv_type",
        "/run/prompt/kind",
        "/backend",
        "/kernels/0",
        "/kernel_ledger/0/kernel",
        "/kernel_ledger/0/op",
        "/environment/BITNET_SEED",
        "/parity/wasmtime_version",
        "/schema_version",
        "/receipt_schema",
    ] {
        let forged = edited(|r| *r.pointer_mut(pointer).unwrap() = json!(lie));
        let verdict = replayed(&forged);
        let text = verdict.to_text("r.json");
        assert!(
            !text.replace('\n', "").contains(char::is_control),
            "{pointer}: {text:?}"
        );
        let n = verdict.rules.len() + lines;
        assert!(text.lines().count() <= n, "{pointer}: {text}");
        let starting = |start: &str| text.lines().filter(|l| l.starts_with(start)).count();
        assert_eq!(starting("tokens: "), 1, "{pointer}: {text}");
        let accepted = verdict.conclusion == Conclusion::Accepted;
        assert_eq!(
            starting("accepted"),
            usize::from(accepted),
            "{pointer}: {text}"
        );
    }
}

/// Nor does it take more than its line.
#[test]
fn a_long_text_is_cut_short_in_the_summary() {
    let long = "é".repeat(10_000);
    let claim = claimed(&edited(|r| r["host"]["cpu_model"] = json!(long)));
    assert_eq!(claim.cpu, "é".repeat(60) + "…");
    let short = "é".repeat(60);
    let claim = claimed(&edited(|r| r["host"]["cpu_model"] = json!(short)));
    assert_eq!(claim.cpu, short);
}

#[test]
fn other_times_of_creation_are_somebodys_word() {
    for created in ["2024-10-01T00:00:00Z", "2026-01-31T12:00:00.5Z"] {
        assert_accepted(&replayed(&edited(|r| r["created"] = json!(created))));
    }
    for created in [
        // Before there was any model of the architecture.
        "2024-09-30T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31 12:00:00",
        "2026-01-31T12:00:00+01:00",
    ] {
        let forged = edited(|r| r["created"] = json!(created));
        assert_rejected_by(&replayed(&forged), &["created"]);
    }
}

/// A day of difference between two clocks says nothing; a clock from before the first ternary model
/// says nothing about others.
#[test]
fn a_receipt_from_the_future() {
    let verdict = |created: &str, now: &str| {
        let receipt = edited(|r| r["created"] = json!(created)).to_string();
        let mut checked = Checked::read(receipt.as_bytes()).unwrap();
        checked.with_clock(humantime::parse_rfc3339(now).unwrap());
        let verdict = checked.verdict();
        rule(&verdict, "created_in_the_past").clone()
    };
    let made = "2026-11-27T12:00:00Z";
    for (now, expected) in [
        ("2026-11-27T12:00:00Z", Outcome::Pass),
        ("2030-01-01T00:00:00Z", Outcome::Pass),
        ("2026-11-26T12:00:00Z", Outcome::Pass),
        ("2026-11-26T11:59:59Z", Outcome::Fail),
        ("1970-01-01T00:00:10Z", Outcome::Note),
    ] {
        let found = verdict(made, now);
        assert_eq!(found.outcome, expected, "{now}: {}", found.evidence);
    }
    // Clocks that show what has no date.
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let day = std::time::Duration::from_secs(86_400);
    for (now, expected) in [
        (epoch - day, Outcome::Note),
        (epoch + day * 4_000_000, Outcome::Pass),
    ] {
        let mut checked = Checked::read(GENUINE.to_string().as_bytes()).unwrap();
        checked.with_clock(now);
        let verdict = checked.verdict();
        assert_eq!(rule(&verdict, "created_in_the_past").outcome, expected);
    }
    let found = verdict("9999-12-31T23:59:59Z", made);
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(found.evidence.contains(made), "{}", found.evidence);
}

/// The genuine receipt as `--parity off` writes it; with a field that only a replay can fill, if
/// one is named.
fn without_parity(field: Option<&str>) -> Value {
    edited(|r| {
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
    })
}

/// `--parity off` may not say what only a replay finds.
#[test]
fn a_replay_that_did_not_happen_found_nothing() {
    for field in [
        "reference_checksum",
        "positions_compared",
        "first_divergence",
        "guest_sha256",
        "wasmtime_version",
        "fuel",
        "wall_ns",
    ] {
        let verdict = replayed(&without_parity(Some(field)));
        assert_rejected_by(&verdict, &["parity_record"]);
    }
}

/// What the writer did not replay is worth what the replay here is worth.
#[test]
fn without_the_writers_replay_only_ours_counts() {
    let receipt = without_parity(None);
    let verdict = replayed(&receipt);
    assert_accepted(&verdict);
    assert_eq!(verdict.replayed, Replayed::Everything);
    assert_eq!(
        rules(&verdict, Outcome::Note),
        ["parity_status", "parity_fuel"]
    );
    let status = &rule(&verdict, "parity_status").evidence;
    assert!(status.contains("--parity off"), "{status}");
    let unseen = verify(receipt.to_string().as_bytes()).unwrap();
    assert_only_unreplayed(&unseen);
    assert!(!unseen.receipt.unwrap().replayed_by_writer);

    let mut forged = receipt.clone();
    forged["tokens"] = json!([7, 7, 7]);
    seal(&mut forged);
    assert_rejected_by(&replayed(&forged), &["parity_tokens", "parity_checksum"]);
}

/// A policy may want both: that the writer knew, and that we know.
#[test]
fn a_policy_may_require_the_writers_replay() {
    let policy = Policy::read(b"require.writer_proof = true").unwrap();
    let under = |receipt: &Value| verify_under(receipt.to_string().as_bytes(), &policy).unwrap();
    assert_rejected_by(&under(&without_parity(None)), &["policy_writer_proof"]);
    assert_accepted(&under(&GENUINE));
    // The fuel of a sandbox that is not here may be any number.
    let unknown = edited(|r| {
        r["parity"]["wasmtime_version"] = json!("1.0.0");
        r["parity"]["fuel"] = json!(7);
    });
    let verdict = under(&unknown);
    assert_eq!(verdict.conclusion, Conclusion::Unverifiable, "{verdict:?}");
    let open = rules(&verdict, Outcome::Unverifiable);
    assert_eq!(open, ["policy_writer_proof"]);
    let open = Policy::read(b"require.writer_proof = false").unwrap();
    let verdict = verify_under(without_parity(None).to_string().as_bytes(), &open);
    assert_accepted(&verdict.unwrap());
}
