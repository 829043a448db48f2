//! The judgement on a run of another engine.

use serde::Serialize;

use super::{claim::Claim, margin::Margin, ties::Decisions, tolerance::Tolerance, values::Values};

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

/// What the reference says of a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// Every token is the reference's choice, or tied with it, and there are no more ties than a right engine
    /// has.
    Consistent,
    /// A right engine does not do this.
    Rejected,
}

impl Consistency {
    /// As verdicts say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Rejected => "rejected",
        }
    }
}

/// The judgement of a whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Rejected if a token is wrong, if there are more ties than a right engine has, or if the logits are
    /// further off on average than a right engine's.
    pub conclusion: Consistency,
    /// The tolerance, which is the verifier's.
    pub tolerance: Tolerance,
    /// Number of tokens that are the reference's choice.
    pub exact: usize,
    /// Number of tokens that are tied with the reference's choice.
    pub tied: usize,
    /// Number of tokens that are wrong.
    pub wrong: usize,
    /// Number of tokens whose logits were compared as well.
    pub by_value: usize,
    /// The ties by decision, and how many a right engine has.
    pub ties: Ties,
    /// How far the engine's logits are off; `None` where it gave none.
    pub values: Option<Values>,
    /// The first token that is wrong.
    pub first_wrong: Option<TokenVerdict>,
    /// The first tie.
    pub first_tied: Option<TokenVerdict>,
    /// The judgement of every token.
    pub tokens: Vec<TokenVerdict>,
}

/// Ties, counted by decision: each pair of tokens once, however often the run meets it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ties {
    /// Decisions that the engine made otherwise than the reference.
    pub found: usize,
    /// Decisions between logits within the tolerance.
    pub close: usize,
    /// How many of them a right engine makes otherwise, on average, at most.
    pub expected: f64,
    /// How many it makes otherwise but for one run in 10,000.
    pub allowed: usize,
}

impl Judgement {
    /// The judgement that follows from the margins of all tokens, which the reference computed for `claim`.
    pub fn of(margins: &[Margin], claim: Claim, tolerance: Tolerance) -> Self {
        let verdicts = margins.iter().enumerate();
        let tokens: Vec<_> = verdicts
            .map(|(i, margin)| TokenVerdict::of(i, margin, claim, tolerance))
            .collect();
        let count = |answer| tokens.iter().filter(|t| t.answer == answer).count();
        let first = |answer| tokens.iter().find(|t| t.answer == answer).copied();
        let decisions = Decisions::of(margins, tolerance);
        let ties = Ties {
            found: decisions.turned(),
            close: decisions.close(),
            expected: decisions.expected(),
            allowed: decisions.allowed(),
        };
        let values = Values::of(margins, claim);
        let first_wrong = first(Answer::Wrong);
        let right = first_wrong.is_none()
            && ties.found <= ties.allowed
            && values.is_none_or(|values| values.fit(tolerance));
        Self {
            conclusion: match right {
                true => Consistency::Consistent,
                false => Consistency::Rejected,
            },
            tolerance,
            exact: count(Answer::Exact),
            tied: count(Answer::Tied),
            wrong: count(Answer::Wrong),
            by_value: tokens.iter().filter(|t| t.deviation.is_some()).count(),
            ties,
            values,
            first_wrong,
            first_tied: first(Answer::Tied),
            tokens,
        }
    }
}

impl TokenVerdict {
    fn of(index: usize, margin: &Margin, claim: Claim, tolerance: Tolerance) -> Self {
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
