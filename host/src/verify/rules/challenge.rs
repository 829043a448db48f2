//! The rule on the freshness of a run: its prompt is derived from a nonce that the verifier chose.

use crate::{
    receipt::{PromptSource, Receipt},
    task::Challenge,
    verify::{outcome::Outcome, outcome::RuleOutcome},
};

/// The seed that a writer has not chosen: the default.
const COMMON_SEED: u64 = 42;

/// The least number of different prompts that a challenge must be able to ask for, in bits: nobody has
/// prepared a share of the answers that matters.
const ENOUGH_BITS: f64 = 60.0;

/// Checks the rule `challenge`, if there is a challenge, and notes where answers to it could have been
/// prepared. Other rules check that the receipt's prompt and transcript belong to its challenge.
pub(in crate::verify) fn check(receipt: &Receipt, chosen: Option<&Challenge>) -> Vec<RuleOutcome> {
    let Some(answered) = answered(receipt, chosen) else {
        return Vec::new();
    };
    let prompt = (answered.outcome == Outcome::Pass).then(|| prompt(receipt));
    [Some(answered), prompt.flatten()]
        .into_iter()
        .flatten()
        .collect()
}

fn answered(receipt: &Receipt, chosen: Option<&Challenge>) -> Option<RuleOutcome> {
    let rule = "challenge";
    let found = receipt.run.challenge.as_ref();
    match (found, chosen) {
        (None, None) => None,
        (Some(found), None) => {
            let evidence = format!("found {found}; add --challenge to check whether it is yours");
            Some(RuleOutcome::new(rule, Outcome::Note, evidence))
        }
        (_, Some(chosen)) if found == Some(chosen) => {
            Some(RuleOutcome::new(rule, Outcome::Pass, ""))
        }
        (found, Some(chosen)) => {
            let found = found.map_or("none".into(), Challenge::to_string);
            let evidence = format!("found {found}, allowed {chosen}: the run may be older");
            Some(RuleOutcome::new(rule, Outcome::Fail, evidence))
        }
    }
}

/// Notes a prompt that a writer may have had an answer to. A prompt depends on 64 bits at most; whoever
/// has stored answers to many prompts tries seeds until one leads to them.
fn prompt(receipt: &Receipt) -> Option<RuleOutcome> {
    let n_ids = receipt.run.prompt_ids.len();
    let n_vocab = receipt.model.shape.n_vocab;
    let bits = n_ids as f64 * libm::log2(n_vocab as f64);
    let evidence = match receipt.run.prompt {
        PromptSource::Seeded { seed, .. } if seed != COMMON_SEED => format!(
            "found the seed {seed}, which the writer may have chosen so that it leads to an answer from \
             before; ask for the seed {COMMON_SEED}"
        ),
        _ if bits < ENOUGH_BITS => format!(
            "found {n_ids} ids out of {n_vocab}, which is one of 2^{bits:.0} prompts: answers to many of \
             them may have been there before; ask for a longer prompt"
        ),
        _ => return None,
    };
    Some(RuleOutcome::new(
        "challenge_prompt",
        Outcome::Note,
        evidence,
    ))
}
