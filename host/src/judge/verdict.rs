//! The judgement on one token of another engine.

use serde::Serialize;

use super::{
    claim::Claim,
    margin::{Margin, in_spreads},
    tolerance::{Limit, Limits},
    values::Values,
};

/// What the reference says of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The reference's choice.
    Exact,
    /// Another token, whose logit is within the tolerance of the largest.
    Tied,
    /// Another token or logits of which nobody can tell, on a model that makes much of rounding.
    Unclear,
    /// Another token, beyond the tolerance, or logits beyond it.
    Wrong,
}

/// The judgement of one token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TokenVerdict {
    /// Index of the token in `tokens`.
    pub index: usize,
    /// What the reference says of it.
    pub answer: Answer,
    /// The claimed token.
    pub found: u32,
    /// The token that the reference chooses.
    pub chosen: u32,
    /// The token with the second largest logit; `None` in a vocabulary of one token.
    pub runner_up: Option<u32>,
    /// How far the reference's logit for the claimed token is below its largest logit.
    pub deficit: f64,
    /// How far the largest logit is above all others; `None` in a vocabulary of one token.
    pub lead: Option<f64>,
    /// The standard deviation of the reference's logits at this position.
    pub spread: f64,
    /// The largest difference between the engine's logits and the reference's, in spreads; `None` where the
    /// engine gave none.
    pub deviation: Option<f64>,
}

impl TokenVerdict {
    pub(super) fn of(index: usize, margin: &Margin, claim: Claim, limits: Limits) -> Self {
        let deviation = Values::at(margin, claim.listed(index)).map(|values| values.largest);
        let mut verdict = Self {
            index,
            answer: Answer::Exact,
            found: margin.claimed.token,
            chosen: margin.chosen.token,
            runner_up: margin.rivals.first().map(|rival| rival.token),
            deficit: margin.deficit(),
            lead: Some(margin.lead()).filter(|lead| lead.is_finite()),
            spread: margin.spread,
            deviation,
        };
        verdict.answer = match verdict.found == verdict.chosen {
            _ if verdict.is_beyond(limits.rejected) => Answer::Wrong,
            _ if verdict.is_beyond(limits.consistent) => Answer::Unclear,
            true => Answer::Exact,
            false => Answer::Tied,
        };
        verdict
    }

    /// How far the reference's logit for the claimed token is below its largest logit, in spreads.
    pub fn deficit_in_spreads(&self) -> f64 {
        in_spreads(self.deficit, self.spread)
    }

    /// Whether the token or its logits are further off than `limit`.
    pub(super) fn is_beyond(&self, limit: Limit) -> bool {
        let off = self.deviation.is_some_and(|off| off > limit.value);
        off || !limit.covers(self.deficit_in_spreads())
    }
}
