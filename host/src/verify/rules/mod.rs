//! The rules on a receipt that need nothing else, or only what is handed in beside it.

pub(super) mod bundle;
pub(super) mod challenge;
pub(super) mod derived;
mod found;
mod identity;
mod ledger;
pub(super) mod model;
pub(super) mod parity;
pub(super) mod work;

use super::outcome::{Rule, RuleOutcome};
use crate::receipt::Receipt;

/// Every rule over the receipt alone.
pub(super) fn of_receipt(receipt: &Receipt) -> Vec<RuleOutcome> {
    let groups: [&[Rule]; 4] = [
        identity::RULES,
        derived::RULES,
        ledger::RULES,
        parity::RULES,
    ];
    let rules = groups.into_iter().flatten();
    let checked = rules.map(|(rule, check)| RuleOutcome::of(rule, check(receipt)));
    checked.chain(parity::notes(receipt)).collect()
}
