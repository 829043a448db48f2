//! How clear the reference's choices are, and how its logits rank the tokens of another engine.

use engine_native::Choice;

use crate::{
    judge::{Claim, Largest, MAX_RIVALS, Margin, Moments, Picked},
    task::Task,
};

/// Computes a margin while the logits come in, in ascending order of tokens.
#[derive(Debug, Clone)]
pub(super) struct Passing {
    claimed: u32,
    /// Ids that are left out, ascending.
    left_out: Vec<u32>,
    largest: Largest,
    /// The largest logit of a token that is left out.
    end: Option<Choice>,
    /// The logits that are wanted: of the claimed token, then those that the engine gave.
    picked: Picked,
    moments: Moments,
}

impl Passing {
    /// Of the token at `index` of a claim.
    pub(super) fn of(claim: Claim, index: usize) -> Self {
        let claimed = claim.tokens[index];
        let listed = claim.listed(index).iter().map(|&(id, _)| id);
        Self {
            claimed,
            left_out: match claim.is_end(claimed) {
                true => Vec::new(),
                false => claim.ends.to_vec(),
            },
            largest: Largest::of(MAX_RIVALS + 1),
            end: None,
            picked: Picked::of([claimed].into_iter().chain(listed).collect()),
            moments: Moments::default(),
        }
    }

    /// Of the token that is claimed at `position` of `task`, if there is one.
    pub(super) fn at(claim: Claim, task: &Task, position: usize) -> Option<Self> {
        let index = (position + 1).checked_sub(task.prompt.len())?;
        (index < claim.tokens.len()).then(|| Self::of(claim, index))
    }

    /// Takes the logits of the tokens from `first` on. They must be finite.
    pub(super) fn see(&mut self, first: u32, logits: &[f32]) {
        for (token, &logit) in (first..).zip(logits) {
            self.moments.add(f64::from(logit));
            let choice = Choice { token, logit };
            match self.left_out.binary_search(&token).is_ok() {
                true => self.leave_out(choice),
                false => self.largest.rank(choice),
            }
        }
        self.picked.see(first, logits);
    }

    fn leave_out(&mut self, choice: Choice) {
        if self.end.is_none_or(|end| choice.logit > end.logit) {
            self.end = Some(choice);
        }
    }

    /// The margin. `None` if a token had no logit, or the reference's own choice is not the largest one.
    pub(super) fn margin(self, own: Choice) -> Option<Margin> {
        let (&chosen, rivals) = self.largest.descending().split_first()?;
        let goes_on = self.end == Some(own);
        let picked = self.picked.logits()?;
        let (&logit, listed) = picked.split_first()?;
        let claimed = Choice {
            token: self.claimed,
            logit,
        };
        (chosen == own || goes_on).then_some(Margin {
            chosen,
            goes_on,
            rivals: rivals.to_vec(),
            claimed,
            spread: self.moments.deviation(),
            listed: listed.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The margin of `claim`'s only token in a row, which comes in chunks.
    fn of_claim(logits: &[f32], claim: Claim, chunk: usize) -> Option<Margin> {
        let mut passing = Passing::of(claim, 0);
        for (i, logits) in logits.chunks(chunk).enumerate() {
            passing.see((i * chunk) as u32, logits);
        }
        let best = logits.iter().copied().fold(f32::MIN, f32::max);
        let token = logits.iter().position(|&l| l == best).unwrap() as u32;
        passing.margin(Choice { token, logit: best })
    }

    fn margin(logits: &[f32], claimed: u32, chunk: usize) -> Margin {
        of_claim(logits, Claim::of_tokens(&[claimed]), chunk).unwrap()
    }

    #[test]
    fn deficit_and_lead_in_any_order() {
        let orders = [
            [1.0, 2.0, 4.0],
            [1.0, 4.0, 2.0],
            [4.0, 1.0, 2.0],
            [4.0, 2.0, 1.0],
        ];
        for logits in orders {
            for chunk in 1..=3 {
                for claimed in 0..3 {
                    let margin = margin(&logits, claimed, chunk);
                    assert_eq!(margin.lead(), 2.0, "{logits:?}");
                    let deficit = 4.0 - f64::from(logits[claimed as usize]);
                    assert_eq!(margin.deficit(), deficit, "{logits:?}");
                    // (1 + 4 + 16) / 3 - (7 / 3)²
                    assert!((margin.spread - (14.0f64 / 9.0).sqrt()).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn equals_have_no_lead() {
        let equals = margin(&[3.0, 1.0, 3.0], 2, 2);
        assert_eq!((equals.lead(), equals.deficit()), (0.0, 0.0));
        assert_eq!(equals.chosen.token, 0);
        assert_eq!(margin(&[3.0; 40], 7, 3).spread, 0.0);
    }

    #[test]
    fn a_single_token_is_ahead_of_nothing() {
        assert_eq!(margin(&[3.0], 0, 1).lead(), f64::INFINITY);
    }

    /// Against a row that is sorted whole.
    #[test]
    fn rivals_are_the_next_largest() {
        let logits: Vec<f32> = (0..1000u32)
            .map(|i| f32::from((i * 7919 % 257) as u16))
            .collect();
        let mut ranked: Vec<u32> = (0..1000).collect();
        ranked.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]));
        let found = margin(&logits, 5, 64);
        assert_eq!(found.chosen.token, ranked[0]);
        let rivals: Vec<u32> = found.rivals.iter().map(|rival| rival.token).collect();
        assert_eq!(rivals, ranked[1..=MAX_RIVALS]);
        assert_eq!(found.claimed.logit, logits[5]);
        assert_eq!(margin(&logits[..3], 0, 2).rivals.len(), 2);
    }

    #[test]
    fn listed_tokens_have_their_logits_in_their_order() {
        let logits = [0.5, 4.0, -1.0, 2.0];
        let listed = |ids: &[u32], chunk| {
            let top = [ids.iter().map(|&id| (id, 0.0)).collect::<Vec<_>>()];
            let claim = Claim {
                top_logits: Some(&top),
                ..Claim::of_tokens(&[1])
            };
            of_claim(&logits, claim, chunk).map(|margin| margin.listed)
        };
        for chunk in 1..=4 {
            assert_eq!(listed(&[3, 1, 0], chunk), Some(vec![2.0, 4.0, 0.5]));
        }
        assert_eq!(listed(&[4], 4), None, "no such token");
    }

    #[test]
    fn where_the_text_would_end_the_best_other_token_counts() {
        let of = |logits: &[f32], claimed| {
            let tokens = [claimed];
            let claim = Claim {
                ends: &[1, 2],
                ..Claim::of_tokens(&tokens)
            };
            of_claim(logits, claim, 2).unwrap()
        };
        let logits = [1.0, 4.0, 3.0, 2.0];
        let goes_on = of(&logits, 0);
        assert!(goes_on.goes_on);
        assert_eq!((goes_on.chosen.token, goes_on.deficit()), (3, 1.0));
        assert_eq!(goes_on.rivals.len(), 1);
        // An engine that ends the text is judged as any.
        for claimed in [1, 2] {
            let ends = of(&logits, claimed);
            assert_eq!((ends.chosen.token, ends.goes_on), (1, false));
        }
        let elsewhere = of(&[5.0, 4.0, 3.0, 2.0], 3);
        assert_eq!((elsewhere.chosen.token, elsewhere.goes_on), (0, false));
    }

    #[test]
    fn what_was_not_seen_has_no_margin() {
        let chosen = Choice {
            token: 0,
            logit: 1.0,
        };
        let mut passing = Passing::of(Claim::of_tokens(&[7]), 0);
        assert_eq!(passing.clone().margin(chosen), None);
        passing.see(0, &[1.0, 0.5]);
        assert_eq!(
            passing.margin(chosen),
            None,
            "the claim is beyond the vocabulary"
        );
        let mut passing = Passing::of(Claim::of_tokens(&[1]), 0);
        passing.see(0, &[0.5, 1.0]);
        assert_eq!(passing.margin(chosen), None, "another token is the largest");
    }
}
