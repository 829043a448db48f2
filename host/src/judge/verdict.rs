//! The judgement on one token of another engine.

use serde::Serialize;

use super::{
    claim::Claim,
    margin::{Margin, in_spreads},
    tolerance::Tolerance,
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
    /// How far the reference's logit for the claimed token is below its largest logit, in spreads.
    pub fn deficit_in_spreads(&self) -> f64 {
        in_spreads(self.deficit, self.spread)
    }

    pub(super) fn of(index: usize, margin: &Margin, claim: Claim, tolerance: Tolerance) -> Self {
        let deviation = Values::at(margin, claim.listed(index)).map(|values| values.largest);
        let within = |spreads: f64| tolerance.covers(spreads);
        let tied = within(margin.in_spreads(margin.deficit()));
        let is_choice = margin.claimed.token == margin.chosen.token;
        Self {
            index,
            answer: match deviation.is_none_or(within) {
                true if is_choice => Answer::Exact,
                true if tied => Answer::Tied,
                _ => Answer::Wrong,
            },
            found: margin.claimed.token,
            chosen: margin.chosen.token,
            deficit: margin.deficit(),
            lead: Some(margin.lead()).filter(|lead| lead.is_finite()),
            spread: margin.spread,
            deviation,
        }
    }
}
