//! What the reference says of tokens that it did not choose itself.

use engine_native::Choice;
use serde::Serialize;

use crate::verify::Conclusion;

/// A choice of the reference beside a claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// What the reference chooses.
    pub chosen: Choice,
    /// The largest of the other logits; none in a vocabulary of one token.
    pub runner_up: Option<f32>,
    /// The claimed token, and the reference's logit of it.
    pub claimed: Choice,
}

impl Margin {
    /// By how much the claimed token's logit is below the largest; 0 for the reference's choice.
    pub fn deficit(&self) -> f64 {
        f64::from(self.chosen.logit) - f64::from(self.claimed.logit)
    }

    /// By how much the largest logit is above all others.
    pub fn lead(&self) -> f64 {
        let runner_up = self.runner_up.map_or(f64::NEG_INFINITY, f64::from);
        f64::from(self.chosen.logit) - runner_up
    }
}

/// What the reference says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TokenVerdict {
    /// Its place in `tokens`.
    pub index: usize,
    /// The token.
    pub found: u32,
    /// What the reference chooses there.
    pub chosen: u32,
    /// By how much the reference's logit of the token is below its largest.
    pub deficit: f64,
    /// By how much its largest logit is above all others; none in a vocabulary of one.
    pub lead: Option<f64>,
}

/// What the reference says of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Rejected for a wrong token, else unverifiable for a near tie, else accepted.
    pub conclusion: Conclusion,
    /// Logits that differ by no more are a tie.
    pub logit_tolerance: f64,
    /// The first token that the reference would not have chosen.
    pub first_wrong: Option<TokenVerdict>,
    /// Choices between logits within the tolerance.
    pub near_ties: usize,
    /// The first of them.
    pub first_near_tie: Option<TokenVerdict>,
    /// Every token.
    pub tokens: Vec<TokenVerdict>,
}

impl Judgement {
    /// The judgement that follows from the margins of all tokens.
    pub fn of(margins: &[Margin], tolerance: f64) -> Self {
        let verdicts = margins.iter().enumerate();
        let tokens: Vec<_> = verdicts
            .map(|(i, margin)| TokenVerdict::of(i, margin))
            .collect();
        let is_wrong = |t: &&TokenVerdict| t.deficit > tolerance;
        // Another choice within the tolerance is one of two that are near.
        let is_near = |t: &&TokenVerdict| {
            !is_wrong(t) && (t.found != t.chosen || t.lead.is_some_and(|lead| lead <= tolerance))
        };
        let first_wrong = tokens.iter().find(is_wrong).copied();
        let first_near_tie = tokens.iter().find(is_near).copied();
        Self {
            conclusion: match (first_wrong, first_near_tie) {
                (Some(_), _) => Conclusion::Rejected,
                (None, Some(_)) => Conclusion::Unverifiable,
                (None, None) => Conclusion::Accepted,
            },
            logit_tolerance: tolerance,
            first_wrong,
            near_ties: tokens.iter().filter(is_near).count(),
            first_near_tie,
            tokens,
        }
    }
}

impl TokenVerdict {
    fn of(index: usize, margin: &Margin) -> Self {
        Self {
            index,
            found: margin.claimed.token,
            chosen: margin.chosen.token,
            deficit: margin.deficit(),
            lead: Some(margin.lead()).filter(|lead| lead.is_finite()),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_native::Choice;

    use super::*;

    /// A choice of token 1 with logit 10, a runner-up, and a claim.
    fn margin(runner_up: f32, claimed: (u32, f32)) -> Margin {
        let choice = |(token, logit)| Choice { token, logit };
        Margin {
            chosen: choice((1, 10.0)),
            runner_up: Some(runner_up),
            claimed: choice(claimed),
        }
    }

    const CLEAR: (u32, f32) = (1, 10.0);

    #[test]
    fn the_tolerance_ends_where_it_says() {
        let conclusion =
            |margins: &[Margin], tolerance| Judgement::of(margins, tolerance).conclusion;
        let right = margin(9.5, CLEAR);
        assert_eq!(conclusion(&[right], 0.0), Conclusion::Accepted);
        assert_eq!(conclusion(&[right], 0.4999), Conclusion::Accepted);
        assert_eq!(conclusion(&[right], 0.5), Conclusion::Unverifiable);
        let other = margin(9.5, (3, 9.5));
        assert_eq!(conclusion(&[other], 0.4999), Conclusion::Rejected);
        assert_eq!(conclusion(&[other], 0.5), Conclusion::Unverifiable);
        // An exact tie: the contract takes the lower id, another engine need not.
        let tie = margin(10.0, (3, 10.0));
        assert_eq!(conclusion(&[tie], 0.0), Conclusion::Unverifiable);
    }

    #[test]
    fn a_wrong_token_outweighs_near_ties_before_it() {
        let near = margin(9.9, CLEAR);
        let wrong = margin(9.0, (4, 2.0));
        let judgement = Judgement::of(&[margin(5.0, CLEAR), near, wrong, near, wrong], 0.2);
        assert_eq!(judgement.conclusion, Conclusion::Rejected);
        let first = judgement.first_wrong.unwrap();
        assert_eq!((first.index, first.found, first.chosen), (2, 4, 1));
        assert_eq!(first.deficit, 8.0);
        assert_eq!(judgement.near_ties, 2);
        assert_eq!(judgement.first_near_tie.unwrap().index, 1);
    }

    #[test]
    fn no_tolerance_makes_a_wrong_token_right() {
        let wrong = margin(9.0, (4, -1e30));
        for tolerance in [0.0, 1.0, 1e300] {
            let conclusion = Judgement::of(&[wrong], tolerance).conclusion;
            assert_ne!(conclusion, Conclusion::Accepted, "{tolerance}");
        }
    }
}
