//! The outcome of a rule, and the conclusion from all of them.

use serde::{Deserialize, Serialize};

use crate::receipt::Receipt;

/// The outcome of a rule, in ascending order of what it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The rule holds.
    Pass,
    /// Information for the reader, without effect on the verdict.
    Note,
    /// The rule must be checked, but cannot be checked here.
    Unverifiable,
    /// The rule is broken, so the receipt is rejected.
    Fail,
}

impl Outcome {
    /// How a verdict marks the rule; `None` where it holds.
    pub fn mark(self) -> Option<&'static str> {
        match self {
            Self::Pass => None,
            Self::Note => Some("note"),
            Self::Unverifiable => Some("open"),
            Self::Fail => Some("FAIL"),
        }
    }
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

    /// The same rule and outcome. What was found is left out of the evidence if it is a time or a rate.
    #[must_use]
    pub(super) fn without_speed(mut self) -> Self {
        if QUOTING_SPEED.contains(&self.rule)
            && let Some(at) = self.evidence.find("found ")
        {
            self.evidence.truncate(at);
            self.evidence += "found a time or a rate that is not shown: the receipt is rejected";
        }
        self
    }
}

/// Rules whose evidence quotes times or rates of the run.
const QUOTING_SPEED: [&str; 11] = [
    "timing_ms",
    "tokens_per_sec",
    "prefill_tokens_per_sec",
    "decode_tokens_per_sec",
    "figures",
    "witness_times",
    "challenged_times",
    "policy_min_tokens_per_sec",
    "policy_times",
    "policy_challenged",
    "physics_prefill",
];

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The conclusion from the outcomes of all rules.
    pub fn of(outcomes: impl Iterator<Item = Outcome>) -> Self {
        match outcomes.max() {
            Some(Outcome::Fail) => Self::Rejected,
            Some(Outcome::Unverifiable) => Self::Unverifiable,
            Some(Outcome::Pass | Outcome::Note) | None => Self::Accepted,
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
