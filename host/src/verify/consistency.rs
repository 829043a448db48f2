//! What a judgement of another engine's tokens says, in words.

use serde::Serialize;

use crate::judge::{Consistency, Judgement};

/// A judgement as verdicts have it, without the single tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JudgementSummary {
    /// Whether the tokens are consistent.
    pub conclusion: Consistency,
    /// The verifier's tolerance, in spreads.
    pub tolerance: f64,
    /// Tokens that are the reference's choice.
    pub exact: usize,
    /// Other tokens within the tolerance.
    pub tied: usize,
    /// Tokens beyond it.
    pub wrong: usize,
}

impl JudgementSummary {
    pub(super) fn of(judgement: &Judgement) -> Self {
        Self {
            conclusion: judgement.conclusion,
            tolerance: judgement.tolerance.spreads(),
            exact: judgement.exact,
            tied: judgement.tied,
            wrong: judgement.wrong,
        }
    }
}

/// How the tokens agree, such as "126 of 128 tokens are the reference's choice, 2 are tied within 0.1 spreads".
pub fn agreement(judgement: &Judgement) -> String {
    let Judgement {
        exact,
        tied,
        tolerance,
        tokens,
        ..
    } = judgement;
    let n = tokens.len();
    let tolerance = tolerance.spreads();
    match tied {
        0 => format!("all {n} tokens are the reference's choice"),
        _ => format!(
            "{exact} of {n} tokens are the reference's choice, {tied} tied within {tolerance} spreads"
        ),
    }
}

/// Why a judgement rejects the tokens; `None` if it does not.
pub fn rejection(judgement: &Judgement) -> Option<String> {
    if judgement.conclusion == Consistency::Consistent {
        return None;
    }
    let tolerance = judgement.tolerance.spreads();
    if let Some(wrong) = &judgement.first_wrong {
        let behind = wrong.deficit / wrong.spread;
        return Some(match wrong.found == wrong.chosen {
            false => format!(
                "token {}: found {}, the reference chooses {}, whose logit is {behind:.3} spreads higher; \
                 allowed {tolerance}",
                wrong.index, wrong.found, wrong.chosen
            ),
            true => format!(
                "token {}: the engine's logits are {:.3} spreads from the reference's, allowed {tolerance}",
                wrong.index,
                wrong.deviation.unwrap_or_default()
            ),
        });
    }
    let ties = &judgement.ties;
    if ties.found > ties.allowed {
        return Some(format!(
            "found {} ties decided otherwise than by the reference, a right engine has at most {} in this run",
            ties.found, ties.allowed
        ));
    }
    let mean = judgement.values.map_or(0.0, |values| values.mean);
    Some(format!(
        "the engine's logits are {mean:.4} spreads from the reference's on average, allowed {}",
        judgement.tolerance.noise()
    ))
}
