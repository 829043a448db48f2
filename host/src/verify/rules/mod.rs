//! The rules: on the receipt alone, and on what the verifier passes in besides it.

pub(super) mod bundle;
pub(super) mod challenge;
pub(super) mod challenged;
pub(super) mod created;
pub(super) mod derived;
pub(super) mod engine;
mod evidence;
mod found;
mod identity;
mod ledger;
mod machine;
pub(super) mod model;
pub(super) mod parity;
mod steps;
mod ternary;
pub(super) mod witness;
pub(super) mod work;

use super::outcome::{Rule, RuleOutcome};
use crate::receipt::Receipt;

/// Checks every rule that needs only the receipt.
pub(super) fn of_receipt(receipt: &Receipt) -> Vec<RuleOutcome> {
    let groups: [&[Rule]; 9] = [
        identity::RULES,
        engine::RULES,
        created::RULES,
        machine::RULES,
        derived::RULES,
        witness::RULES,
        evidence::RULES,
        ledger::RULES,
        parity::RULES,
    ];
    let rules = groups.into_iter().flatten();
    let checked = rules.map(|(rule, check)| RuleOutcome::of(rule, check(receipt)));
    let notes = steps::notes(receipt).into_iter();
    checked.chain(parity::notes(receipt)).chain(notes).collect()
}
