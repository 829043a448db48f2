//! The reference's judgement of tokens that another engine chose.

use engine_native::Choice;
use serde::Serialize;

use crate::verify::Conclusion;

/// The reference's choice at one position, compared with a claimed token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// The token that the reference chooses, with its logit.
    pub chosen: Choice,
    /// The largest of the other logits; `None` in a vocabulary of one token.
    pub runner_up: Option<f32>,
    /// The claimed token, with the reference's logit for it.
    pub claimed: Choice,
}

impl Margin {
    /// How far the claimed token's logit is below the largest; 0 for the reference's own choice.
    pub fn deficit(&self) -> f64 {
        f64::from(self.chosen.logit) - f64::from(self.claimed.logit)
    }

    /// How far the largest logit is above all others.
    pub fn lead(&self) -> f64 {
        let runner_up = self.runner_up.map_or(f64::NEG_INFINITY, f64::from);
        f64::from(self.chosen.logit) - runner_up
    }
}

/// The judgement of one token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TokenVerdict {
    /// Index of the token in `tokens`.
    pub index: usize,
    /// The claimed token.
    pub found: u32,
    /// The token that the reference chooses.
    pub chosen: u32,
    /// How far the reference's logit for the claimed token is below its largest logit.
    pub deficit: f64,
    /// How far the largest logit is above all others; `None` in a vocabulary of one token.
    pub lead: Option<f64>,
}

/// The judgement of a whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Rejected if a token is wrong, otherwise unverifiable if there is a near tie, otherwise
    /// accepted.
    pub conclusion: Conclusion,
    /// Logits that differ by at most this much count as a tie.
    pub logit_tolerance: f64,
    /// The first token that the reference would not have chosen.
    pub first_wrong: Option<TokenVerdict>,
    /// Number of tokens chosen between logits within the tolerance.
    pub near_ties: usize,
    /// The first near tie.
    pub first_near_tie: Option<TokenVerdict>,
    /// The judgement of every token.
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
        // Another token than the reference's, but within the tolerance, is a near tie as well.
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
        // An exact tie: the reference takes the lower id, but another engine need not.
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
