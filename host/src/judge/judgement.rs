//! The judgement on a run of another engine.

use serde::Serialize;

use super::{
    claim::Claim,
    mistake::Mistake,
    ranking::Ranking,
    ties::{Decisions, Ties},
    tolerance::{Limit, Limits, MIN_ROWS, Tolerance},
    values::Values,
    verdict::{Answer, TokenVerdict},
};

/// What the reference says of a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// Every token is the reference's choice, or tied with it, and there are no more ties than a right engine
    /// makes.
    Consistent,
    /// A right engine does not do this.
    Rejected,
    /// The model makes so much of rounding that right engines do this, too, and so do wrong ones.
    Unverifiable,
}

impl Consistency {
    /// As verdicts say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Rejected => "rejected",
            Self::Unverifiable => "unverifiable",
        }
    }
}

/// The judgement of a whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// What follows.
    pub conclusion: Consistency,
    /// Why the run is not consistent; `None` if it is.
    #[serde(skip)]
    pub mistake: Option<Mistake>,
    /// The limits, which are the verifier's.
    pub limits: Limits,
    /// How much the model makes of rounding, in spreads; `None` if nobody measured it.
    pub sensitivity: Option<f64>,
    /// Number of tokens that are the reference's choice.
    pub exact: usize,
    /// Number of tokens that are tied with the reference's choice.
    pub tied: usize,
    /// Number of tokens of which nobody can tell, on this model.
    pub unclear: usize,
    /// Number of tokens that are wrong.
    pub wrong: usize,
    /// Number of tokens whose logits were compared as well.
    pub by_value: usize,
    /// Number of positions at which the reference would end the text, and the engine goes on. The token is
    /// judged against the best of those that do not end it.
    pub goes_on: usize,
    /// The ties by decision, and how many a right engine makes.
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
    /// The judgement that follows from how the reference ranks `claim`.
    pub fn of(ranking: &Ranking, claim: Claim, tolerance: Tolerance) -> Self {
        let limits = tolerance.limits(ranking.sensitivity);
        let margins = &ranking.margins[..];
        let verdicts = margins.iter().enumerate();
        let tokens: Vec<_> = verdicts
            .map(|(i, margin)| TokenVerdict::of(i, margin, claim, limits))
            .collect();
        let values = Values::of(margins, claim);
        let ties = Decisions::of(margins, limits.consistent).ties();
        let most_ties = Decisions::of(margins, limits.rejected).ties();
        let doubt = first_mistake(&tokens, ties, values, limits.consistent);
        let mistake = first_mistake(&tokens, most_ties, values, limits.rejected);
        let conclusion = match (mistake, doubt) {
            (Some(_), _) => Consistency::Rejected,
            (None, Some(_)) => Consistency::Unverifiable,
            (None, None) => Consistency::Consistent,
        };
        let count = |answer| tokens.iter().filter(|t| t.answer == answer).count();
        let first = |answer| tokens.iter().find(|t| t.answer == answer).copied();
        Self {
            conclusion,
            mistake: mistake.or(doubt),
            limits,
            sensitivity: ranking.sensitivity,
            exact: count(Answer::Exact),
            tied: count(Answer::Tied),
            unclear: count(Answer::Unclear),
            wrong: count(Answer::Wrong),
            by_value: tokens.iter().filter(|t| t.deviation.is_some()).count(),
            goes_on: margins.iter().filter(|margin| margin.goes_on).count(),
            ties,
            values,
            first_wrong: first(Answer::Wrong),
            first_tied: first(Answer::Tied),
            tokens,
        }
    }
}

/// What goes beyond `limit` first: a token, the number of ties, the logits as a whole.
fn first_mistake(
    tokens: &[TokenVerdict],
    ties: Ties,
    values: Option<Values>,
    limit: Limit,
) -> Option<Mistake> {
    let token = tokens.iter().find(|token| token.is_beyond(limit));
    let too_many = ties.found > ties.allowed;
    let n_rows = tokens.iter().filter(|t| t.deviation.is_some()).count();
    let far_off = values.filter(|values| n_rows >= MIN_ROWS && values.rms > limit.values_rms);
    token
        .map(|&token| Mistake::of(token, limit))
        .or(too_many.then_some(Mistake::Ties(ties)))
        .or(far_off.map(|values| Mistake::Values(values, limit)))
}
