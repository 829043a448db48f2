//! The judgement on a run of another engine.

use serde::Serialize;

use super::{
    claim::Claim,
    margin::Margin,
    mistake::Mistake,
    ties::{Decisions, Ties},
    tolerance::Tolerance,
    values::Values,
    verdict::{Answer, TokenVerdict},
};

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
    /// What a right engine does not do; `None` if the run is consistent.
    #[serde(skip)]
    pub mistake: Option<Mistake>,
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
    /// Number of positions at which the reference would end the text, and the engine goes on. The token is
    /// judged against the best of those that do not end it.
    pub goes_on: usize,
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

impl Judgement {
    /// The judgement that follows from the margins of all tokens, which the reference computed for `claim`.
    pub fn of(margins: &[Margin], claim: Claim, tolerance: Tolerance) -> Self {
        let verdicts = margins.iter().enumerate();
        let tokens: Vec<_> = verdicts
            .map(|(i, margin)| TokenVerdict::of(i, margin, claim, tolerance))
            .collect();
        let count = |answer| tokens.iter().filter(|t| t.answer == answer).count();
        let first = |answer| tokens.iter().find(|t| t.answer == answer).copied();
        let ties = Decisions::of(margins, tolerance).ties();
        let values = Values::of(margins, claim);
        let first_wrong = first(Answer::Wrong);
        let too_many = Some(Mistake::Ties(ties)).filter(|_| ties.found > ties.allowed);
        let far_off = values.filter(|values| !values.fit(tolerance));
        let mistake = first_wrong
            .map(|token| Mistake::of(token, tolerance))
            .or(too_many)
            .or(far_off.map(|values| Mistake::Values(values, tolerance)));
        Self {
            conclusion: match mistake {
                None => Consistency::Consistent,
                Some(_) => Consistency::Rejected,
            },
            mistake,
            tolerance,
            exact: count(Answer::Exact),
            tied: count(Answer::Tied),
            wrong: count(Answer::Wrong),
            by_value: tokens.iter().filter(|t| t.deviation.is_some()).count(),
            goes_on: margins.iter().filter(|margin| margin.goes_on).count(),
            ties,
            values,
            first_wrong,
            first_tied: first(Answer::Tied),
            tokens,
        }
    }
}
