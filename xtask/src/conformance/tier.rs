//! The tiers of a judgement, and what can come of each.

use serde::Serialize;

/// What is judged, from what every engine needs to what only ours promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// It reads the file, or refuses it where it must.
    Reads,
    /// Integer sums of ternary projections, exactly.
    Sums,
    /// Logits, within the tolerance.
    Logits,
    /// Greedy choices.
    Tokens,
    /// Residual streams and transcripts, every bit.
    Bits,
}

impl Tier {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Reads,
        Self::Sums,
        Self::Logits,
        Self::Tokens,
        Self::Bits,
    ];

    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Sums => "sums",
            Self::Logits => "logits",
            Self::Tokens => "tokens",
            Self::Bits => "bits",
        }
    }
}

/// What came of a tier of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it must be.
    Passed,
    /// The engine refused the model and named what it does not support, which is right, too.
    Refused,
    /// Not as it must be.
    Failed,
    /// The engine does not show it, so nothing is said of it.
    NotShown,
}

impl Outcome {
    /// As tables have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Refused => "refused",
            Self::Failed => "FAIL",
            Self::NotShown => "–",
        }
    }
}

/// An outcome and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The outcome.
    pub outcome: Outcome,
    /// What was found; of failures what and where, otherwise how much was compared.
    pub detail: String,
}

impl Finding {
    pub(super) fn passed(detail: impl Into<String>) -> Self {
        Self::of(Outcome::Passed, detail)
    }

    pub(super) fn failed(detail: impl Into<String>) -> Self {
        Self::of(Outcome::Failed, detail)
    }

    pub(super) fn not_shown() -> Self {
        Self::of(Outcome::NotShown, "")
    }

    pub(super) fn of(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            detail: detail.into(),
        }
    }
}
