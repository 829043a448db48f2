//! Receipts of every kind, by the command.

use serde_json::json;
use xtask::selftest::forge::as_external;

use crate::{CHALLENGE, PROVED, RECALCULATED, explained, forged, never_says, says, workspace};

const MAY_BE_OLDER: &str = "the results may be older than their date";

#[test]
fn a_replay_makes_the_results_certain_and_no_speed() {
    let e = explained(&workspace(), "", 0);
    assert_eq!(e.certain[0], PROVED);
    says(&e.certain, &["speed", "follows exactly from the times"]);
    never_says(&e.certain, &["per second", "signed", "challenge"]);
    says(
        &e.bounded,
        &["1.5 times what the fastest processors known to this program"],
    );
    says(
        &e.bounded,
        &["The date", "no more than a day after this check"],
    );
    says(
        &e.claimed,
        &[
            "a speed of ",
            " per second for the answer",
            "by a clock that nobody else could read",
        ],
    );
    says(
        &e.claimed,
        &["names the processor “", "1 thread", "the date “20"],
    );
    says(&e.claimed, &["no signature"]);
    says(&e.claimed, &[MAY_BE_OLDER]);
    says(&e.claimed, &["called “tiny.gguf”"]);
    for part in [
        PROVED,
        "What is bounded: ",
        "What is only somebody's word: ",
        "per second",
    ] {
        assert!(e.paragraph.contains(part), "{}", e.paragraph);
    }
}

/// Of another engine, nothing is said to be equal to the last bit, and no kernels and no speed are certain.
#[test]
fn another_engines_tokens_are_consistent_and_its_name_a_claim() {
    let workspace = forged(as_external);
    let e = explained(&workspace, "", 0);
    let certain = "The whole run was calculated again for this check, by a separate program: of the 3 tokens \
                   (pieces of words) in the receipt, each is what the model file with the fingerprint (SHA-256) \
                   7b9cf185004b79c7… gives after this prompt of 16 tokens and the tokens before it; whether the \
                   other program's numbers behind them are right was not shown.";
    assert_eq!(e.certain[0], certain);
    never_says(&e.certain, &["last bit", "per second", "other 1.0"]);
    // No least time of a step is known.
    never_says(&e.bounded, &["fastest processors"]);
    says(
        &e.claimed,
        &["the engine “other 1.0”", "did not see that program"],
    );
    says(&e.claimed, &["a speed of "]);
    for part in [certain, "the engine “other 1.0”"] {
        assert!(e.paragraph.contains(part), "{}", e.paragraph);
    }
    let e = explained(&workspace, "--sample 5%", 3);
    never_says(&e.certain, &RECALCULATED);
    let wrong = forged(|r| {
        as_external(r);
        r["tokens"][2] = json!(7);
    });
    let e = explained(&wrong, "", 1);
    let why = "because its tokens, calculated again for this check, are not what it says of them (rule \
               parity_judgement)";
    assert!(e.paragraph.contains(why), "{}", e.paragraph);
}

#[test]
fn without_a_replay_the_results_are_a_claim() {
    let workspace = workspace();
    std::fs::remove_file(workspace.path("models/tiny.gguf")).unwrap();
    let lost = "--model fresh.json --no-replay";
    for words in ["--no-replay", "--max-positions 3"] {
        let e = explained(&workspace, words, 3);
        never_says(&e.certain, &RECALCULATED);
        says(&e.claimed, &["states 3 tokens", "did not confirm it"]);
        says(&e.claimed, &[MAY_BE_OLDER]);
        let why = "because its run was not calculated again for this check (rule parity_replay)";
        assert!(e.paragraph.contains(why), "{}", e.paragraph);
    }
    // A file that is no model is no verdict either.
    workspace.run(&format!("verify-receipt {lost}")).exits(4);
}

#[test]
fn a_sample_is_certain_of_its_parts_and_bounds_the_others() {
    let e = explained(&workspace(), "--sample 5%", 0);
    // 6 layers, and the choices of 18 positions in one part.
    says(
        &e.certain,
        &["own fast program did the whole run again", "the 3 tokens"],
    );
    says(
        &e.certain,
        &["Of the calculation's 7 parts, 1, drawn at random once the receipt was there"],
    );
    never_says(&e.certain, &["by a separate program, and every result"]);
    says(
        &e.bounded,
        &["If one single part were wrong", "a chance of 14.2 %"],
    );
    says(&e.claimed, &["For the other 6 parts", "would not show."]);
    for part in ["a chance of 14.2 %", "For the other 6 parts"] {
        assert!(e.paragraph.contains(part), "{}", e.paragraph);
    }
}

/// Whoever knows the draw has prepared for it.
#[test]
fn parts_that_were_known_before_have_no_odds() {
    let nonce = "5".repeat(64);
    let workspace = workspace();
    for (words, chosen) in [
        (
            &*format!("--sample 5% --nonce {nonce}"),
            "drawn by a number from an earlier check",
        ),
        ("--layers 2..3", "named by whoever checks"),
    ] {
        let e = explained(&workspace, words, 0);
        says(&e.certain, &["Of the calculation's 7 parts, 1, ", chosen]);
        never_says(&e.bounded, &["chance"]);
        says(&e.claimed, &["could prepare for it"]);
    }
    // All parts are the whole run, whoever named them.
    for words in ["--layers 0..6 --heads", "--sample 100%"] {
        let e = explained(&workspace, words, 0);
        assert_eq!(e.certain[0], PROVED, "{words}");
        never_says(&e.bounded, &["chance"]);
    }
}

#[test]
fn a_rejected_receipt_has_no_number() {
    for (edit, why) in [
        (
            ("tokens_per_sec", json!(1e6)),
            "its figures do not agree with one another (rule tokens_per_sec)",
        ),
        (
            ("tokens", json!([1, 2, 3])),
            "does not have the result that it states (rule parity_tokens)",
        ),
        (
            ("created", json!("2999-01-01T00:00:00Z")),
            "its date cannot be right (rule created_in_the_past)",
        ),
    ] {
        let workspace = forged(|receipt| receipt[edit.0] = edit.1);
        let e = explained(&workspace, "", 1);
        says(&e.certain, &[why]);
        assert!(e.paragraph.contains(why), "{}", e.paragraph);
        assert!(!e.paragraph.contains("per second"), "{}", e.paragraph);
    }
    // Broken twice: in the digest, which the forger did not compute again, and in a figure.
    let workspace = workspace();
    let mut receipt = workspace.receipt_json();
    receipt["timing_ms"] = json!(0.001);
    workspace.write("ci/inference.json", receipt.to_string());
    let e = explained(&workspace, "", 1);
    says(
        &e.certain,
        &["(rule receipt_sha256), and there is one more reason."],
    );
}

#[test]
fn receipts_of_older_formats_are_explained_alike() {
    for version in ["1.1.0", "1.2.0", "1.3.0"] {
        let workspace = workspace();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tamper/receipt-");
        std::fs::copy(format!("{path}{version}.json"), workspace.path("old.json")).unwrap();
        let e = explained(&workspace, "old.json", 0);
        says(
            &e.certain,
            &["The whole run was calculated again", "7b9cf185004b79c7…"],
        );
        says(&e.claimed, &["a speed of "]);
    }
}

#[test]
fn of_a_format_that_is_not_read_nothing_is_known() {
    for version in ["0.9.0", "9.0.0"] {
        let workspace = forged(|receipt| receipt["receipt_schema"] = json!(version));
        let e = explained(&workspace, "", 3);
        assert!(e.certain.is_empty() && e.bounded.is_empty(), "{e:?}");
        assert_eq!(
            e.claimed,
            ["Everything that the receipt says is no more than a claim."]
        );
        let why = "because its format is not one that this program reads (rule schema_version). Nothing in it was \
                   checked.";
        assert!(e.paragraph.ends_with(why), "{}", e.paragraph);
    }
}

#[test]
fn a_challenge_makes_the_time_certain_only_for_whoever_gave_it() {
    let workspace = workspace();
    let after = ["The run took place after the number was chosen that this check had given"];
    let given = format!("fresh.json --challenge {CHALLENGE}");
    for words in [given.clone(), format!("{given} --sample 5%")] {
        let e = explained(&workspace, &words, 0);
        says(&e.certain, &after);
        never_says(&e.claimed, &["older"]);
        assert!(e.paragraph.contains(after[0]), "{}", e.paragraph);
    }
    // Without the results, the prompt alone shows nothing.
    let e = explained(&workspace, &format!("{given} --no-replay"), 3);
    never_says(&e.certain, &after);
    says(&e.claimed, &["may be older or invented"]);
    // Somebody else's challenge.
    let e = explained(&workspace, "fresh.json", 0);
    never_says(&e.certain, &after);
    says(&e.claimed, &["names a challenge", MAY_BE_OLDER]);
    let e = explained(&workspace, "fresh.json --challenge c0ffee01", 1);
    says(&e.certain, &["it may be older (rule challenge)"]);
}

/// A prompt of 4 ids is one of 2^36; a seed can be searched for. Answers from before could fit.
#[test]
fn a_challenge_that_answers_could_be_prepared_for_only_bounds() {
    let workspace = workspace();
    for (name, note) in [
        (
            "short.json",
            "found 4 ids out of 512, which is one of 2^36 prompts",
        ),
        (
            "seed.json",
            "found the seed 7, which the writer may have chosen",
        ),
    ] {
        let words = format!("{name} --challenge {CHALLENGE}");
        let e = explained(&workspace, &words, 0);
        never_says(&e.certain, &["challenge"]);
        says(
            &e.bounded,
            &["It is older only if somebody had prepared answers"],
        );
        let ran = workspace.run(&format!("verify-receipt {words}")).exits(0);
        assert!(
            ran.stdout
                .contains(&format!("  note challenge_prompt: {note}")),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn a_policy_is_named_and_its_limits_are_its_own() {
    let workspace = workspace();
    workspace.write(
        "policy.toml",
        "ceilings.margin = 1000.0\nretime.max_ratio_to_retime = 99.0",
    );
    let digest = host::digest::Digest::of(&workspace.read("policy.toml")).to_string();
    let e = explained(&workspace, "--policy policy.toml --retime", 0);
    says(
        &e.certain,
        &["meets the demands of the policy file", &digest[..16]],
    );
    says(&e.bounded, &["beyond the limits of the policy"]);
    never_says(&e.bounded, &["1.5 times", "three times"]);

    // Proved, and yet not accepted.
    workspace.write("policy.toml", format!("require.signer = \"{digest}\""));
    let e = explained(&workspace, "--policy policy.toml", 3);
    assert_eq!(e.certain[0], PROVED);
    never_says(&e.certain, &["policy"]);
    let why = "because the policy of this check demands something that was not shown (rule policy_signer).";
    assert!(e.paragraph.contains(why), "{}", e.paragraph);

    workspace.write("policy.toml", "require.min_tokens = 1000");
    let e = explained(&workspace, "--policy policy.toml", 1);
    says(
        &e.certain,
        &["it does not meet what the policy of this check demands (rule policy_min_tokens)"],
    );
}

#[test]
fn a_run_that_was_timed_here_as_well_is_bounded_by_that() {
    // Whatever else this machine does, the speed of a slow claim is reached.
    let workspace = forged(|receipt| {
        let samples = json!({
            "load_ns": 5, "prefill_ns": [40_000_000_000_u64], "decode_ns": [[9_000_000_000_u64, 11_000_000_000_u64]],
        });
        xtask::selftest::forge::claim_samples(receipt, samples);
    });
    let e = explained(&workspace, "--retime", 0);
    says(
        &e.bounded,
        &[
            "timed on the computer of this check, too",
            "above three times the speed there",
        ],
    );
    let e = explained(&workspace, "", 0);
    never_says(&e.bounded, &["timed on the computer of this check"]);
    says(
        &e.claimed,
        &["0.10 tokens (pieces of words) per second for the answer"],
    );
}
