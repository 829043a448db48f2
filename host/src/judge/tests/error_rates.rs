//! The number of ties that is allowed, and how often right and wrong engines are rejected: simulated engines.

use engine_native::Choice;
use proptest::prelude::*;

use super::judged;
use crate::{
    judge::{DEFAULT, Limit, Margin, Mistake, ties::most, tolerance::FALSE_ALARM},
    task::SplitMix64,
};

proptest! {
    /// Against all outcomes, one by one.
    #[test]
    fn the_quantile_of_all_outcomes(chances in prop::collection::vec(0.0f64..=1.0, 0..10), alarm in 0.0f64..0.5) {
        let mut of = vec![0.0; chances.len() + 1];
        for outcome in 0u32..1 << chances.len() {
            let happens = |i: usize| outcome >> i & 1 == 1;
            let probability = chances.iter().enumerate().map(|(i, p)| if happens(i) { *p } else { 1.0 - p });
            of[outcome.count_ones() as usize] += probability.product::<f64>();
        }
        let above = |k: usize| of[k + 1..].iter().sum::<f64>();
        let found = most(chances.iter().copied(), alarm);
        prop_assert!(above(found) <= alarm + 1e-12);
        prop_assert!(found == 0 || above(found - 1) > alarm - 1e-12);
    }

    #[test]
    fn more_chances_allow_no_less(chances in prop::collection::vec(0.0f64..=1.0, 1..200), more in 0.0f64..=1.0) {
        let fewer = most(chances.iter().copied(), FALSE_ALARM);
        let with_more = most(chances.iter().copied().chain([more]), FALSE_ALARM);
        prop_assert!((fewer..=fewer + 1).contains(&with_more));
    }
}

/// The 1 − 10⁻⁴ quantile of the binomial distribution, from tables.
#[test]
fn many_trials_end() {
    assert_eq!(most(vec![0.5; 100].into_iter(), FALSE_ALARM), 68);
    assert_eq!(most([].into_iter(), FALSE_ALARM), 0);
    assert_eq!(most(vec![1.0; 5000].into_iter(), FALSE_ALARM), 5000);
    assert_eq!(most(vec![0.0; 5000].into_iter(), FALSE_ALARM), 0);
}

/// Rows of logits as a vocabulary of 2,048 has them, with an engine that chooses among them.
struct Rows {
    stream: SplitMix64,
    vocabulary: u64,
}

impl Rows {
    /// An exponential variable with mean 1.
    fn exponential(&mut self) -> f64 {
        let uniform = (self.stream.next() >> 11) as f64 / (1u64 << 53) as f64;
        -(1.0 - uniform).ln()
    }

    /// A normal variable, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        let turn = (self.stream.next() >> 11) as f64 / (1u64 << 53) as f64;
        radius * (std::f64::consts::TAU * turn).cos()
    }

    /// A row with a spread of 1, whose largest logits lie as those of normal variables do: the k-th gap is
    /// exponential with mean 1 / (k · √(2 ln n)). `choose` has the row and gives the rank of the claimed token.
    fn margin(&mut self, choose: impl FnOnce(&mut Self, &[f64]) -> usize) -> Margin {
        let density = (2.0 * 2048f64.ln()).sqrt();
        let mut logits = vec![0.0];
        for k in 1..=N_RIVALS {
            let gap = self.exponential() / (k as f64 * density);
            logits.push(logits[k - 1] - gap);
        }
        let claimed = choose(self, &logits);
        let first = self.stream.next() % self.vocabulary;
        // Neighbours in rank are neighbours in id, so a small vocabulary has the same decisions again.
        let choice = |rank: usize| Choice {
            token: ((first + rank as u64) % self.vocabulary) as u32,
            logit: logits[rank] as f32,
        };
        Margin {
            chosen: choice(0),
            goes_on: false,
            rivals: (1..=N_RIVALS).map(choice).collect(),
            claimed: choice(claimed),
            spread: 1.0,
            listed: Vec::new(),
        }
    }

    /// A right engine, as noisy as any: the errors of two logits differ by the noise.
    fn right(&mut self, limit: Limit) -> Margin {
        let error = limit.noise / std::f64::consts::SQRT_2;
        self.margin(|rows, logits| {
            let own = logits.iter().map(|x| x + error * rows.normal());
            let ranked = own.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
            ranked.map_or(0, |(rank, _)| rank)
        })
    }

    /// An engine that takes the runner-up wherever nobody can call that wrong.
    fn sly(&mut self, limit: Limit) -> Margin {
        self.margin(|_, logits| usize::from(-logits[1] <= limit.spreads))
    }
}

/// More of them are hardly ever close.
const N_RIVALS: usize = 24;

const N_TOKENS: usize = 64;

#[test]
fn a_right_engine_has_no_more_ties_than_are_allowed() {
    const RUNS: usize = 2_000;
    for vocabulary in [100_000, 30] {
        let mut rows = Rows {
            stream: SplitMix64::new(vocabulary),
            vocabulary,
        };
        let (mut alarms, mut found, mut expected) = (0, 0, 0.0);
        for _ in 0..RUNS {
            let margins: Vec<_> = (0..N_TOKENS).map(|_| rows.right(DEFAULT)).collect();
            let ties = judged(&margins, DEFAULT.spreads).ties;
            alarms += usize::from(ties.found > ties.allowed);
            found += ties.found;
            expected += ties.expected;
        }
        // At most 0.2 are expected; more than three would happen to one test of 17,000.
        assert!(alarms <= 3, "{alarms} of {RUNS} right runs rejected");
        // Where several rivals are close, each can be preferred, but only one of them is.
        let ratio = found as f64 / expected;
        assert!(
            ratio > 0.5 && ratio < 1.0,
            "{found} ties, {expected} expected"
        );
    }
}

#[test]
fn an_engine_that_hides_in_ties_is_rejected() {
    let vocabulary = 100_000;
    let mut rows = Rows {
        stream: SplitMix64::new(7),
        vocabulary,
    };
    let mut passed = 0;
    for _ in 0..300 {
        let margins: Vec<_> = (0..N_TOKENS).map(|_| rows.sly(DEFAULT)).collect();
        let judgement = judged(&margins, DEFAULT.spreads);
        assert_eq!(judgement.wrong, 0);
        match judgement.mistake {
            None => passed += 1,
            Some(mistake) => assert!(matches!(mistake, Mistake::Ties(_)), "{mistake}"),
        }
    }
    assert!(passed < 3, "{passed} of 300 passed");
}
