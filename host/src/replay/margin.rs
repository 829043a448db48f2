//! How clear the reference's choices are, and how its logits rank the tokens of another engine.

use engine_native::Choice;

use crate::judge::{MAX_RIVALS, Margin};

/// Computes a margin while the logits come in, in ascending order of tokens.
#[derive(Debug, Clone)]
pub(super) struct Passing {
    claimed: u32,
    claimed_logit: Option<f32>,
    /// The largest logits so far, descending; of equal ones the lower id first.
    largest: Vec<Choice>,
    /// The ids whose logits are wanted, and their logits.
    listed: Vec<(u32, Option<f32>)>,
    moments: Moments,
}

/// Sums over a row, of differences from its first value.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    first: Option<f64>,
    count: u64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, x: f64) {
        let x = x - *self.first.get_or_insert(x);
        self.count += 1;
        self.sum += x;
        self.squares += x * x;
    }

    fn deviation(self) -> f64 {
        let n = self.count as f64;
        let mean = self.sum / n;
        (self.squares / n - mean * mean).max(0.0).sqrt()
    }
}

impl Passing {
    /// Of a claimed token, and of the `listed` tokens whose logits are wanted.
    pub(super) fn of(claimed: u32, listed: impl Iterator<Item = u32>) -> Self {
        Self {
            claimed,
            claimed_logit: None,
            largest: Vec::with_capacity(MAX_RIVALS + 2),
            listed: listed.map(|id| (id, None)).collect(),
            moments: Moments::default(),
        }
    }

    /// Takes the logits of the tokens from `first` on. They must be finite.
    pub(super) fn see(&mut self, first: u32, logits: &[f32]) {
        for (token, &logit) in (first..).zip(logits) {
            self.moments.add(f64::from(logit));
            self.rank(Choice { token, logit });
        }
        let at = |id: u32| Some(*logits.get(id.checked_sub(first)? as usize)?);
        self.claimed_logit = self.claimed_logit.or(at(self.claimed));
        for (id, logit) in &mut self.listed {
            *logit = logit.or(at(*id));
        }
    }

    fn rank(&mut self, choice: Choice) {
        let full = self.largest.len() > MAX_RIVALS;
        let least = self.largest.last();
        if full && least.is_some_and(|least| choice.logit <= least.logit) {
            return;
        }
        let at = self.largest.partition_point(|c| c.logit >= choice.logit);
        self.largest.insert(at, choice);
        self.largest.truncate(MAX_RIVALS + 1);
    }

    /// The margin. `None` if a token had no logit, or `chosen` is not the largest one.
    pub(super) fn margin(self, chosen: Choice) -> Option<Margin> {
        let (&largest, rivals) = self.largest.split_first()?;
        let claimed = Choice {
            token: self.claimed,
            logit: self.claimed_logit?,
        };
        let listed: Option<Vec<f32>> = self.listed.iter().map(|&(_, logit)| logit).collect();
        (largest == chosen).then_some(Margin {
            chosen,
            rivals: rivals.to_vec(),
            claimed,
            spread: self.moments.deviation(),
            listed: listed?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margin(logits: &[f32], claimed: u32, chunk: usize) -> Margin {
        let mut passing = Passing::of(claimed, [].into_iter());
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
        let mut passing = Passing::of(7, [].into_iter());
        assert_eq!(passing.clone().margin(chosen), None);
        passing.see(0, &[1.0, 0.5]);
        assert_eq!(
            passing.clone().margin(chosen),
            None,
            "the claim is beyond the vocabulary"
        );
        let mut passing = Passing::of(1, [].into_iter());
        passing.see(0, &[0.5, 1.0]);
        assert_eq!(
            passing.clone().margin(chosen),
            None,
            "another token is the largest"
        );
    }
}
