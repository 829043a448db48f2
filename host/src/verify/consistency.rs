//! What a judgement of another engine's tokens says, in words.

use serde::Serialize;

use crate::judge::{Consistency, Judgement};

/// A judgement as verdicts have it, without the single tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JudgementSummary {
    /// Whether the tokens are consistent.
    pub conclusion: Consistency,
    /// The verifier's tolerance on this model, in spreads.
    pub tolerance: f64,
    /// Tokens that are the reference's choice.
    pub exact: usize,
    /// Other tokens within the tolerance.
    pub tied: usize,
    /// Tokens beyond it.
    pub wrong: usize,
    /// Tokens where the reference would end the text, and the best other token counts.
    pub goes_on: usize,
}

impl JudgementSummary {
    pub(super) fn of(judgement: &Judgement) -> Self {
        Self {
            conclusion: judgement.conclusion,
            tolerance: judgement.limits.consistent.spreads,
            exact: judgement.exact,
            tied: judgement.tied,
            wrong: judgement.wrong,
            goes_on: judgement.goes_on,
        }
    }
}

/// How the tokens agree, such as "126 of 128 tokens are the reference's choice, 2 are tied within 0.1 spreads".
pub fn agreement(judgement: &Judgement) -> String {
    let Judgement {
        exact,
        tied,
        limits,
        tokens,
        goes_on,
        ..
    } = judgement;
    let n = tokens.len();
    let tolerance = shown(limits.consistent.spreads);
    let mut text = match tied {
        0 => format!("all {n} tokens are the reference's choice"),
        _ => format!(
            "{exact} of {n} tokens are the reference's choice, {tied} tied within {tolerance} spreads"
        ),
    };
    if *goes_on > 0 {
        text += &format!(
            "; at {goes_on} of them it would end the text, and its best other token counts"
        );
    }
    text
}

/// A tolerance with a useful number of decimals.
pub(super) fn shown(spreads: f64) -> String {
    match spreads {
        0.001.. => format!("{}", (spreads * 1e4).round() / 1e4),
        _ => format!("{spreads:.1e}"),
    }
}
