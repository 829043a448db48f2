//! How many ties a right engine makes on a run.
//!
//! A right engine's logits differ from the reference's by noise, so at a position where a rival's logit is close
//! to the largest, it prefers the rival with a known probability ([`Limit::preference`]). A wrong engine
//! could hide among such ties: it would have more of them.
//!
//! Ties are counted by *decision*, a pair of tokens. A run that repeats itself meets the same decision again and
//! again, and an engine decides it in the same way each time; so however often it meets the pair, it counts
//! once. The probability that an engine turns a decision at least once is at most the sum over its
//! positions, whatever they have to do with each other. Different decisions are taken for independent. Then the
//! number of turned decisions has at most the Poisson binomial distribution of these sums, and more than
//! its upper quantile are no noise.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    margin::{MAX_RIVALS, Margin},
    tolerance::{FALSE_ALARM, Limit},
};

/// Ties, counted by decision: each pair of tokens once, however often the run meets it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ties {
    /// Decisions that the engine made otherwise than the reference.
    pub found: usize,
    /// Decisions between logits within the tolerance.
    pub close: usize,
    /// How many of them a right engine makes otherwise, on average, at most.
    pub expected: f64,
    /// How many it makes otherwise but for one run in 10,000; at least 1.
    pub allowed: usize,
}

/// What is decided: which of two tokens, or, where more rivals are close than are known, all at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Decision {
    Between(u32, u32),
    Crowd(usize),
}

/// The decisions of a run that noise can turn, and those that the engine turned.
pub(super) struct Decisions {
    /// The probability that a right engine turns it, at most.
    chances: BTreeMap<Decision, f64>,
    turned: BTreeSet<Decision>,
}

impl Decisions {
    pub(super) fn of(margins: &[Margin], limit: Limit) -> Self {
        let mut decisions = Self {
            chances: BTreeMap::new(),
            turned: BTreeSet::new(),
        };
        for (index, margin) in margins.iter().enumerate() {
            decisions.meet(index, margin, limit);
        }
        decisions
    }

    fn meet(&mut self, index: usize, margin: &Margin, limit: Limit) {
        let close = margin.rivals.iter().map(|rival| (rival, margin.gap(rival)));
        let close: Vec<_> = close.take_while(|&(_, gap)| limit.covers(gap)).collect();
        let crowd = close.len() == MAX_RIVALS;
        let decision = |other: u32| match crowd {
            true => Decision::Crowd(index),
            false => {
                let chosen = margin.chosen.token;
                Decision::Between(chosen.min(other), chosen.max(other))
            }
        };
        for (rival, gap) in close {
            let chance = match crowd {
                true => 1.0,
                false => limit.preference(gap),
            };
            let sum = self.chances.entry(decision(rival.token)).or_default();
            *sum = (*sum + chance).min(1.0);
        }
        if margin.claimed.token != margin.chosen.token {
            self.turned.insert(decision(margin.claimed.token));
        }
    }

    pub(super) fn ties(&self) -> Ties {
        let chances = || self.chances.values().copied();
        Ties {
            found: self.turned.len(),
            close: self.chances.len(),
            expected: chances().sum(),
            // One alone is bounded by the tolerance: nothing is gained by calling it too many.
            allowed: most(chances(), FALSE_ALARM).max(1),
        }
    }
}

/// The smallest k for which a sum of independent trials with these `chances` exceeds k with a probability of at
/// most `alarm`.
pub(super) fn most(chances: impl Iterator<Item = f64>, alarm: f64) -> usize {
    // of[k] is the probability of exactly k so far.
    let mut of = vec![1.0];
    for chance in chances {
        of.push(0.0);
        for k in (0..of.len()).rev() {
            let before = k.checked_sub(1).map_or(0.0, |k| of[k]);
            of[k] = of[k] * (1.0 - chance) + before * chance;
        }
        // What is too improbable to matter would only make the sum longer.
        while of.last().is_some_and(|&p| p < 1e-300) {
            of.pop();
        }
    }
    let mut above = 0.0;
    let within = of.iter().rev().take_while(|&&p| {
        above += p;
        above <= alarm
    });
    (of.len() - 1).saturating_sub(within.count())
}
