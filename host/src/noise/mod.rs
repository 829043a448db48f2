//! Warnings about a measurement that other work may have changed: each from evidence in the receipt, and each
//! with what to do about it. None of them decides anything.

mod machine;
mod samples;
mod sign;
#[cfg(test)]
mod tests;

pub use machine::was_always_disturbed;
use serde::Serialize;

use crate::receipt::Receipt;

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What it is, such as "slow_steps".
    pub id: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// Everything that is suspicious in a receipt, the most telling first.
pub fn warnings(r: &Receipt) -> Vec<Warning> {
    let all = samples::SIGNS.iter().chain(machine::SIGNS);
    let found = all.filter_map(|(id, advice, check)| {
        Some(Warning {
            id,
            found: check(r)?,
            advice,
        })
    });
    found.collect()
}
