//! Times that look made up are noted, and honest ones are not.

use host::verify::{Checked, Outcome};
use serde_json::{Value, json};

use crate::genuine::{GENUINE, assert_accepted, claim_samples, replayed};

/// The notes on the steps of these repetitions, after a prompt of 4 ids.
fn notes(decode: &[Vec<u64>]) -> Vec<(&'static str, String)> {
    notes_on(GENUINE.clone(), decode)
}

fn notes_on(mut receipt: Value, decode: &[Vec<u64>]) -> Vec<(&'static str, String)> {
    receipt["run"]["tokens"] = json!(decode[0].len() + 1);
    let prefill = vec![900_001; decode.len()];
    let samples = json!({ "load_ns": 9, "prefill_ns": prefill, "decode_ns": decode });
    claim_samples(&mut receipt, samples);
    let checked = Checked::read(receipt.to_string().as_bytes()).unwrap();
    let rules = checked.verdict().rules.into_iter();
    let notes = rules.filter(|r| r.rule.starts_with("steps_") && r.outcome == Outcome::Note);
    notes.map(|r| (r.rule, r.evidence)).collect()
}

fn ids(notes: &[(&'static str, String)]) -> Vec<&'static str> {
    notes.iter().map(|(rule, _)| *rule).collect()
}

/// As measured: some jitter, and an interruption.
fn honest(n: u64, offset: u64) -> Vec<u64> {
    let jitter = |i: u64| (i * 7919 + offset * 104_729) % 997;
    (0..n)
        .map(|i| match i {
            5 => 4_000_000 + offset,
            i => 50_000 + 20 * i + jitter(i),
        })
        .collect()
}

#[test]
fn honest_steps_are_not_noted() {
    assert_eq!(notes(&[honest(128, 1), honest(128, 2)]), []);
    assert_accepted(&replayed(&GENUINE));
}

#[test]
fn a_repetition_that_was_copied() {
    let found = notes(&[honest(16, 1), honest(16, 2), honest(16, 1)]);
    assert_eq!(ids(&found), ["steps_repeated"]);
    assert_eq!(found[0].1, "repetitions 0 and 2 have the same times");
    // With fewer steps, chance can do it.
    assert_eq!(notes(&[honest(15, 1), honest(15, 1)]), []);
}

#[test]
fn steps_that_are_smoother_than_any_clock() {
    // Half of the steps are within 4 ns of 50,000: less than one in 10,000.
    let smooth: Vec<u64> = (0..32).map(|i| 50_000 + i % 9).collect();
    let found = notes(std::slice::from_ref(&smooth));
    assert_eq!(ids(&found), ["steps_smooth"]);
    assert!(found[0].1.contains("repetition 0"), "{found:?}");
    let found = notes(&[honest(32, 1), smooth]);
    assert!(found[0].1.contains("repetition 1"), "{found:?}");
    // One in a few thousand is what quiet machines have.
    let quiet: Vec<u64> = (0..32).map(|i| 50_000 + (i * 13) % 32).collect();
    assert_eq!(notes(&[quiet]), []);
}

#[test]
fn steps_in_whole_microseconds() {
    let round: Vec<u64> = honest(32, 1).iter().map(|ns| ns / 1000 * 1000).collect();
    let mut found = notes(std::slice::from_ref(&round));
    found.retain(|(rule, _)| *rule != "steps_smooth");
    assert_eq!(ids(&found), ["steps_round"]);
    let mut once = round;
    once[31] += 100;
    assert!(!ids(&notes(&[once])).contains(&"steps_round"));
}

/// A model whose attention grows to more than its products: later steps must take longer.
#[test]
fn steps_that_do_not_take_longer_with_depth() {
    let mut small = GENUINE.clone();
    for (key, n) in [("n_embd", 16), ("n_ff", 16), ("n_vocab", 16)] {
        small["model"]["shape"][key] = json!(n);
    }
    let jitter = |i: u64| (i * 7919) % 997;
    let flat: Vec<u64> = (0..256).map(|i| 50_000 + jitter(i)).collect();
    let rising: Vec<u64> = (0..256).map(|i| 50_000 + 100 * i + jitter(i)).collect();
    let falling: Vec<u64> = rising.iter().rev().copied().collect();
    assert_eq!(notes_on(small.clone(), &[rising]), []);
    for steps in [&flat, &falling] {
        let found = notes_on(small.clone(), std::slice::from_ref(steps));
        let expected = match steps == &flat {
            // The median of a quarter of such jitter may be either way.
            true => ids(&found).iter().all(|id| *id == "steps_flat"),
            false => ids(&found) == ["steps_flat"],
        };
        assert!(expected, "{found:?}");
    }
    // In the committed model the work grows by a few hundredths, which says nothing.
    assert_eq!(notes(&[falling]), []);
}
