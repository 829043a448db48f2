//! The rule on the freshness of a run: its prompt is derived from a nonce that the verifier chose.

use crate::{
    receipt::Receipt,
    task::Challenge,
    verify::{outcome::Outcome, outcome::RuleOutcome},
};

/// Checks the rule `challenge`, if there is a challenge. Other rules check that the receipt's
/// prompt and transcript belong to its challenge.
pub(in crate::verify) fn check(
    receipt: &Receipt,
    chosen: Option<&Challenge>,
) -> Option<RuleOutcome> {
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
