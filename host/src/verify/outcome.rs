//! What came of a rule, and what follows from all of them.

use serde::Serialize;

use crate::receipt::Receipt;

/// What came of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The rule holds.
    Pass,
    /// The rule is broken: the receipt is rejected.
    Fail,
    /// The rule cannot be checked here, and it had to be.
    Unverifiable,
    /// Shown, without weight in the verdict.
    Note,
}

/// One rule and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleOutcome {
    /// Id of the rule, such as `receipt_sha256`.
    pub rule: &'static str,
    /// What came of it.
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

/// A quotation from a receipt may be as long as the receipt.
fn shortened(mut text: String) -> String {
    const MOST: usize = 1000;
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push('…');
    }
    text
}

/// A rule over a receipt alone.
pub(super) type Rule = (&'static str, fn(&Receipt) -> Result<(), String>);

/// The conclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// Every rule holds, and this verifier has replayed or audited the run itself.
    Accepted,
    /// A rule is broken.
    Rejected,
    /// No rule is broken, but one that had to be checked could not be.
    Unverifiable,
}

impl Conclusion {
    /// What follows from `rules`.
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

/// How much of a run this verification has computed itself, from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Replayed {
    /// Nothing.
    #[default]
    Nothing,
    /// Layers that were named, so that a forger could have prepared for them.
    Layers,
    /// Units that were drawn by fresh randomness.
    Sample,
    /// Everything.
    Everything,
}
