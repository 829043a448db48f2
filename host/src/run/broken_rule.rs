//! The verifier's rules, applied to a receipt before it is written: what they reject is not written.

use std::fmt;

use crate::{
    failure::RunFailure,
    receipt::{Receipt, to_json},
    verify::{Checked, NotAReceipt, Outcome, Policy},
};

/// A rule that a receipt breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenRule {
    rule: String,
    evidence: String,
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.evidence)
    }
}

impl BrokenRule {
    /// Checks the rules that need neither the model nor a replay, under the default policy.
    ///
    /// # Errors
    /// The first rule that `receipt` breaks. Where several are broken, one that is no disturbance.
    pub(super) fn find(receipt: &Receipt) -> Result<(), Self> {
        let mut checked = match Checked::read(to_json(receipt).as_bytes()) {
            Ok(checked) => checked,
            Err(error) => return Err(Self::unreadable(&error)),
        };
        checked.with_policy(&Policy::default());
        let rules = checked.verdict().rules;
        let failed = rules.into_iter().filter(|r| r.outcome == Outcome::Fail);
        let broken = failed.map(|r| Self {
            rule: r.rule.to_owned(),
            evidence: r.evidence,
        });
        broken.min_by_key(Self::is_disturbance).map_or(Ok(()), Err)
    }

    fn unreadable(error: &NotAReceipt) -> Self {
        Self {
            rule: "receipt".into(),
            evidence: error.to_string(),
        }
    }

    /// Whether other work on the machine breaks this rule: it can make the first repetition slow, as
    /// if the others had come from a cache.
    pub(super) fn is_disturbance(&self) -> bool {
        self.rule == "physics_caching"
    }
}

impl From<BrokenRule> for RunFailure {
    fn from(broken: BrokenRule) -> Self {
        match broken.is_disturbance() {
            true => Self::Disturbed(broken.to_string()),
            false => Self::Refused(broken.to_string()),
        }
    }
}
