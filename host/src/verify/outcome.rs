//! The outcome of a rule, and the conclusion from all of them.

use serde::Serialize;

use crate::receipt::Receipt;

/// The outcome of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The rule holds.
    Pass,
    /// The rule is broken, so the receipt is rejected.
    Fail,
    /// The rule must be checked, but cannot be checked here.
    Unverifiable,
    /// Information for the reader, without effect on the verdict.
    Note,
}

/// A rule and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleOutcome {
    /// The id of the rule, such as `receipt_sha256`.
    pub rule: &'static str,
    /// The outcome.
    pub outcome: Outcome,
    /// What was found and what is allowed; empty for a rule that holds.
    pub evidence: String,
}

impl RuleOutcome {
    pub(crate) fn new(rule: &'static str, outcome: Outcome, evidence: impl Into<String>) -> Self {
        Self {
            rule,
            outcome,
            evidence: shortened(evidence.into()),
        }
    }

    pub(crate) fn of(rule: &'static str, result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::new(rule, Outcome::Pass, ""),
            Err(evidence) => Self::new(rule, Outcome::Fail, evidence),
        }
    }
}

/// Shortens evidence, which may quote a string as long as the receipt.
fn shortened(mut text: String) -> String {
    const MOST: usize = 1000;
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push('…');
    }
    text
}

/// A rule that needs only the receipt.
pub(super) type Rule = (&'static str, fn(&Receipt) -> Result<(), String>);

/// The conclusion of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// Every rule holds, and this verifier replayed or audited the run itself.
    Accepted,
    /// A rule is broken.
    Rejected,
    /// No rule is broken, but at least one that must be checked could not be checked.
    Unverifiable,
}

impl Conclusion {
    /// The conclusion from `rules`.
    pub(super) fn of(rules: &[RuleOutcome]) -> Self {
        let any = |outcome| rules.iter().any(|r| r.outcome == outcome);
        if any(Outcome::Fail) {
            Self::Rejected
        } else if any(Outcome::Unverifiable) {
            Self::Unverifiable
        } else {
            Self::Accepted
        }
    }

    /// "accepted", "rejected" or "unverifiable".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Unverifiable => "unverifiable",
        }
    }
}

/// How much of a run this verification replayed itself, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Replayed {
    /// Nothing.
    #[default]
    Nothing,
    /// Layers that the verifier named. A forger could have prepared for them.
    Layers,
    /// Units that were drawn at random.
    Sample,
    /// Everything.
    Everything,
}
