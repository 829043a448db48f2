//! How clear the reference's choices are, and how its logits rank the tokens of another engine.

use engine_native::Choice;

use crate::external::Margin;

/// Computes a margin while the logits come in, in ascending order of tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing {
    claimed: u32,
    claimed_logit: Option<f32>,
    largest: Option<Choice>,
    runner_up: Option<f32>,
}

impl Passing {
    pub(super) fn of(claimed: u32) -> Self {
        Self {
            claimed,
            claimed_logit: None,
            largest: None,
            runner_up: None,
        }
    }

    /// Takes the logits of the tokens from `first` on. They must be finite.
    pub(super) fn see(&mut self, first: u32, logits: &[f32]) {
        for (token, &logit) in (first..).zip(logits) {
            if token == self.claimed {
                self.claimed_logit = Some(logit);
            }
            if self.largest.is_none_or(|largest| logit > largest.logit) {
                self.runner_up = self.largest.map(|largest| largest.logit);
                self.largest = Some(Choice { token, logit });
            } else if self.runner_up.is_none_or(|runner_up| logit > runner_up) {
                self.runner_up = Some(logit);
            }
        }
    }

    /// The margin. `None` if the claimed token had no logit, or `chosen` is not the largest one.
    pub(super) fn margin(self, chosen: Choice) -> Option<Margin> {
        let claimed = Choice {
            token: self.claimed,
            logit: self.claimed_logit?,
        };
        (self.largest? == chosen).then_some(Margin {
            chosen,
            runner_up: self.runner_up,
            claimed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margin(logits: &[f32], claimed: u32, chunk: usize) -> Margin {
        let mut passing = Passing::of(claimed);
        for (i, logits) in logits.chunks(chunk).enumerate() {
            passing.see((i * chunk) as u32, logits);
        }
        let best = logits.iter().copied().fold(f32::MIN, f32::max);
        let token = logits.iter().position(|&l| l == best).unwrap() as u32;
        passing.margin(Choice { token, logit: best }).unwrap()
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
                }
            }
        }
    }

    #[test]
    fn equals_have_no_lead() {
        let equals = margin(&[3.0, 1.0, 3.0], 2, 2);
        assert_eq!((equals.lead(), equals.deficit()), (0.0, 0.0));
        assert_eq!(equals.chosen.token, 0);
    }

    #[test]
    fn a_single_token_is_ahead_of_nothing() {
        assert_eq!(margin(&[3.0], 0, 1).lead(), f64::INFINITY);
    }

    #[test]
    fn what_was_not_seen_has_no_margin() {
        let chosen = Choice {
            token: 0,
            logit: 1.0,
        };
        let mut passing = Passing::of(7);
        assert_eq!(passing.margin(chosen), None);
        passing.see(0, &[1.0, 0.5]);
        assert_eq!(
            passing.margin(chosen),
            None,
            "the claim is beyond the vocabulary"
        );
        let mut passing = Passing::of(1);
        passing.see(0, &[0.5, 1.0]);
        assert_eq!(passing.margin(chosen), None, "another token is the largest");
    }
}
