//! A sentence stands on its rules: where one of them does not hold, the sentence is gone.

use std::sync::LazyLock;

use engine_native::{KernelName, Op};
use host::{
    receipt::Receipt,
    verify::{
        Checked, Conclusion, Explanation, ModelFacts, Outcome, Policy, ReplayResult, RuleOutcome,
        Verdict,
    },
};

use crate::{CHALLENGE, GENUINE, RECALCULATED, assert_sound, never_says, says};

/// An accepted verdict with a challenge.
static ACCEPTED: LazyLock<Verdict> = LazyLock::new(|| {
    let bytes = &GENUINE
        .iter()
        .find(|(name, _)| *name == "fresh.json")
        .unwrap()
        .1;
    let mut checked = Checked::read(bytes).unwrap();
    let receipt = checked.receipt.clone().unwrap();
    checked.with_challenge(Some(&CHALLENGE.parse().unwrap()));
    checked.with_clock(std::time::SystemTime::now());
    checked.with_model(&ModelFacts {
        place: "here".into(),
        record: receipt.model.clone(),
        embedding: kernel(&receipt, Op::Embed),
        output: kernel(&receipt, Op::Output),
        has_grouped_projections: false,
    });
    checked.with_replay(Ok(ReplayResult {
        tokens: receipt.tokens.clone(),
        checksum: receipt.parity.checksum,
        fuel: None,
        ranking: None,
    }));
    checked.with_policy(&Policy::default());
    let verdict = checked.verdict();
    assert_eq!(verdict.conclusion, Conclusion::Accepted, "{verdict:?}");
    verdict
});

fn kernel(receipt: &Receipt, op: Op) -> KernelName {
    let mut ledger = receipt.ledger().iter();
    let entry = ledger.find(|e| e.op == op.name()).unwrap();
    KernelName::parse_id(&entry.kernel).unwrap().0
}

/// The verdict with another outcome of one rule.
fn with(rule: usize, outcome: Outcome) -> Verdict {
    let mut verdict = ACCEPTED.clone();
    verdict.rules[rule].outcome = outcome;
    verdict.conclusion = Conclusion::of(verdict.rules.iter().map(|r| r.outcome));
    verdict
}

#[test]
fn a_rejection_by_any_rule_leaves_the_rejection() {
    for (i, RuleOutcome { rule, .. }) in ACCEPTED.rules.iter().enumerate() {
        let e = Explanation::of(&with(i, Outcome::Fail), None);
        assert_sound("rejected", &e);
        says(&e.certain, &[&format!("(rule {rule}).")]);
    }
}

#[test]
fn an_open_rule_is_named_and_takes_its_sentences_away() {
    let e = Explanation::of(&ACCEPTED, None);
    assert_sound("accepted", &e);
    let proof = [
        "model_sha256",
        "parity_replay",
        "parity_tokens",
        "parity_checksum",
    ];
    let n_sentences = e.certain.len() + e.bounded.len();
    for (i, RuleOutcome { rule, .. }) in ACCEPTED.rules.iter().enumerate() {
        let open = Explanation::of(&with(i, Outcome::Unverifiable), None);
        assert_sound("unverifiable", &open);
        assert!(
            open.paragraph.contains(&format!("(rule {rule})")),
            "{}",
            open.paragraph
        );
        let is_proof = proof.contains(rule);
        match is_proof {
            true => {
                never_says(&open.certain, &RECALCULATED);
                never_says(&open.certain, &["challenge"]);
                says(&open.claimed, &["did not confirm it"]);
            }
            false => says(&open.certain, &["The whole run was calculated again"]),
        }
        let fewer = open.certain.len() + open.bounded.len() < n_sentences;
        let is_basis = is_proof
            || rule.starts_with("physics_") && *rule != "physics_caching"
            || [
                "challenge",
                "created",
                "created_in_the_past",
                "decode_tokens_per_sec",
                "figures",
                "prefill_tokens_per_sec",
                "samples",
                "timing_ms",
                "tokens_per_sec",
            ]
            .contains(rule);
        assert_eq!(fewer, is_basis, "{rule}: {open:#?}");
    }
}

/// A verifier without a clock, a policy or a model says nothing of what they would show.
#[test]
fn what_was_not_checked_is_not_said() {
    let mut verdict = ACCEPTED.clone();
    verdict
        .rules
        .retain(|r| !r.rule.starts_with("physics_") && !r.rule.starts_with("created"));
    let e = Explanation::of(&verdict, None);
    assert!(e.bounded.is_empty(), "{e:?}");
    verdict.rules.retain(|r| r.rule != "parity_checksum");
    let e = Explanation::of(&verdict, None);
    never_says(&e.certain, &RECALCULATED);
}

#[test]
fn suspicious_times_are_said_to_be() {
    let mut verdict = ACCEPTED.clone();
    let note = |rule| RuleOutcome {
        rule,
        outcome: Outcome::Note,
        evidence: String::new(),
    };
    verdict
        .rules
        .extend(["steps_smooth", "policy_retime"].map(note));
    let e = Explanation::of(&verdict, None);
    says(&e.claimed, &["look as those of a clock rarely do"]);
    says(
        &e.claimed,
        &["further above the one measured for this check"],
    );
    let calm = Explanation::of(&ACCEPTED, None);
    never_says(&calm.claimed, &["rarely", "further above"]);
}
