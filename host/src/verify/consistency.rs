//! What a replay says of another engine's tokens.

use serde::Serialize;

use crate::judge::{Claim, Consistency, Judgement, Mistake, Ranking, Tolerance, shown};

/// A judgement as verdicts have it, without the single tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JudgementSummary {
    /// Whether the tokens are consistent.
    pub conclusion: Consistency,
    /// Why not.
    #[serde(skip)]
    pub mistake: Option<Mistake>,
    /// The verifier's tolerance on this model, in spreads.
    pub tolerance: f64,
    /// Tokens that are the reference's choice.
    pub exact: usize,
    /// Other tokens within the tolerance.
    pub tied: usize,
    /// Tokens of which nobody can tell.
    pub unclear: usize,
    /// Tokens beyond it.
    pub wrong: usize,
    /// Tokens where the reference would end the text, and the best other token counts.
    pub goes_on: usize,
}

impl JudgementSummary {
    /// The judgement of `tokens` by a replay that was fed them. `None` if it did not rank each of them.
    pub(super) fn of(tokens: &[u32], ranking: &Ranking, tolerance: Tolerance) -> Option<Self> {
        if ranking.margins.len() != tokens.len() {
            return None;
        }
        let judgement = Judgement::of(ranking, Claim::of_tokens(tokens), tolerance);
        Some(Self {
            conclusion: judgement.conclusion,
            mistake: judgement.mistake,
            tolerance: judgement.limits.consistent.spreads,
            exact: judgement.exact,
            tied: judgement.tied,
            unclear: judgement.unclear,
            wrong: judgement.wrong,
            goes_on: judgement.goes_on,
        })
    }

    /// How consistent tokens agree, such as "126 of 128 tokens are the reference's choice, 2 tied within 0.1 spreads".
    pub(super) fn agreement(&self) -> String {
        let (exact, tied) = (self.exact, self.tied);
        let n = exact + tied;
        let mut text = match tied {
            0 => format!("all {n} tokens are the reference's choice"),
            _ => format!(
                "{exact} of {n} tokens are the reference's choice, {tied} tied within {} spreads",
                shown(self.tolerance)
            ),
        };
        if self.goes_on > 0 {
            text += &format!(
                "; at {} of them it would end the text, and its best other token counts",
                self.goes_on
            );
        }
        text
    }
}
