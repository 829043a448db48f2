//! What two sides' samples say about each other.

use serde::Serialize;

use super::figure::Figure;
use crate::statistics::{Interval, Shift, Sorted, rank_sum, signed_rank};

/// What the samples show about the new side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All of the interval is above 1.
    Faster,
    /// All of the interval is below 1.
    Slower,
    /// Anything else: the difference, if there is one, is smaller than these samples can show.
    NoDifference,
}

/// One figure of both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What was compared.
    pub figure: Figure,
    /// How many samples each side has: old, new.
    pub samples: [usize; 2],
    /// The figure of each side, in its own unit: the median of its samples.
    pub values: [f64; 2],
    /// Speed of the new side ÷ speed of the old one.
    pub ratio: f64,
    /// Where the ratio lies, with the comparison's confidence; `None` if there are too few samples.
    pub interval: Option<Interval>,
    /// The noise floor of each side: 19 of 20 samples are this near to their median, as a share of it.
    pub noise: [f64; 2],
    /// What it shows.
    pub verdict: Verdict,
}

/// Samples of one figure: the time of each run in nanoseconds, and what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// What is compared.
    pub figure: Figure,
    /// Tokens in that time.
    pub tokens: f64,
    /// Times in nanoseconds.
    pub ns: Vec<f64>,
}

impl Times {
    fn logarithms(&self) -> Vec<f64> {
        self.ns.iter().map(|ns| ns.ln()).collect()
    }

    /// The figure of a time.
    fn value(&self, ns: f64) -> f64 {
        match self.figure {
            Figure::Decode | Figure::Prefill => self.tokens * 1e9 / ns,
            Figure::FirstToken => ns / 1e6,
        }
    }
}

/// Compares runs that took turns: `old[i]` and `new[i]` ran one right after the other, in random order.
/// `None` without a pair.
pub fn in_turns(old: &Times, new: &Times, confidence: f64) -> Option<Difference> {
    let pairs = old.logarithms().into_iter().zip(new.logarithms());
    let gains: Vec<f64> = pairs.map(|(old, new)| old - new).collect();
    let shift = signed_rank(&gains, confidence)?;
    Difference::new([old, new], shift, 0.0)
}

/// Compares runs of different times. Between them the machine may have changed its speed by a share of
/// `drift`, which no number of samples shows, so the interval is that much wider on either side. `None`
/// without a sample.
pub fn apart(old: &Times, new: &Times, confidence: f64, drift: f64) -> Option<Difference> {
    let shift = rank_sum(&old.logarithms(), &new.logarithms(), confidence)?;
    Difference::new([old, new], shift, drift.ln_1p())
}

impl Difference {
    fn new(sides: [&Times; 2], shift: Shift, drift: f64) -> Option<Self> {
        let medians = sides.map(|side| median(&side.ns));
        let [Some(old), Some(new)] = medians else {
            return None;
        };
        let interval = shift.interval.map(|found| Interval {
            low: (found.low - drift).exp(),
            high: (found.high + drift).exp(),
        });
        Some(Self {
            figure: sides[0].figure,
            samples: sides.map(|side| side.ns.len()),
            values: [sides[0].value(old), sides[1].value(new)],
            ratio: shift.estimate.exp(),
            verdict: verdict(interval),
            interval,
            noise: sides.map(|side| noise(&side.ns).unwrap_or_default()),
        })
    }

    /// Whether the samples show that the new side is slower by more than a share of `allowed`: all of the
    /// interval is.
    pub fn is_slower_by(&self, allowed: f64) -> bool {
        // A step that takes 5 % longer has 1/1.05 of the rate.
        self.interval
            .is_some_and(|interval| interval.high < 1.0 / (1.0 + allowed))
    }

    /// The width of the interval as a share: 0.02 from 0.99 to 1.01. `None` without an interval.
    pub fn width(&self) -> Option<f64> {
        self.interval.map(|found| found.high / found.low - 1.0)
    }
}

fn verdict(interval: Option<Interval>) -> Verdict {
    match interval {
        Some(interval) if interval.low > 1.0 => Verdict::Faster,
        Some(interval) if interval.high < 1.0 => Verdict::Slower,
        _ => Verdict::NoDifference,
    }
}

fn median(samples: &[f64]) -> Option<f64> {
    let sorted = Sorted::by(samples.iter().copied(), f64::total_cmp)?;
    Some(*sorted.median()).filter(|median| median.is_finite() && *median > 0.0)
}

fn noise(samples: &[f64]) -> Option<f64> {
    let median = median(samples)?;
    let distances = samples.iter().map(|x| (x - median).abs() / median);
    let sorted = Sorted::by(distances, f64::total_cmp)?;
    Some(*sorted.percentile(95))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(ns: impl IntoIterator<Item = f64>) -> Times {
        Times {
            figure: Figure::Decode,
            tokens: 1.0,
            ns: ns.into_iter().collect(),
        }
    }

    /// The machine becomes three times slower meanwhile, and each pair still says the same.
    #[test]
    fn turns_cancel_what_both_sides_have() {
        let base = |i: i32| 1e5 * (1.0 + 0.1 * f64::from(i)) * (1.0 + 0.001 * f64::from(i % 3));
        let old = times((0..20).map(base));
        let new = times((0..20).map(|i| base(i) * 1.05 * (1.0 + 0.001 * f64::from(i % 2))));
        let found = in_turns(&old, &new, 0.999).unwrap();
        assert_eq!(found.verdict, Verdict::Slower);
        assert!((found.ratio - 1.0 / 1.05).abs() < 2e-3, "{found:?}");
        assert!(found.width().unwrap() < 0.01, "{found:?}");
        assert!(
            found.is_slower_by(0.04) && !found.is_slower_by(0.06),
            "{found:?}"
        );
        assert!(found.noise[0] > 0.3, "{found:?}");
        let same = in_turns(&old, &old, 0.999).unwrap();
        assert_eq!((same.verdict, same.ratio), (Verdict::NoDifference, 1.0));
        // Runs of different times cannot tell: this much is the machine's.
        let apart = apart(&old, &new, 0.999, 0.2).unwrap();
        assert_eq!(apart.verdict, Verdict::NoDifference);
    }

    #[test]
    fn what_lies_beyond_the_drift_is_shown() {
        let old = times((0..10).map(|i| 1000.0 + f64::from(i)));
        let new = |by: f64| times(old.ns.iter().map(|ns| ns * by));
        let verdict = |by: f64| apart(&old, &new(by), 0.999, 0.2).unwrap().verdict;
        assert_eq!(verdict(1.19), Verdict::NoDifference);
        assert_eq!(verdict(1.22), Verdict::Slower);
        assert_eq!(verdict(0.8), Verdict::Faster);
    }

    #[test]
    fn one_sample_shows_nothing() {
        let found = apart(&times([100.0]), &times([300.0]), 0.999, 0.2).unwrap();
        assert_eq!(
            (found.interval, found.verdict),
            (None, Verdict::NoDifference)
        );
        assert_eq!(found.values, [1e7, 1e9 / 300.0]);
        assert!(!found.is_slower_by(0.0));
        assert_eq!(in_turns(&times([]), &times([]), 0.999), None);
    }

    /// Without noise, every difference is one.
    #[test]
    fn samples_without_variance_have_a_point() {
        let found = in_turns(&times([100.0; 11]), &times([101.0; 11]), 0.999).unwrap();
        assert_eq!(found.verdict, Verdict::Slower);
        assert_eq!(found.width(), Some(0.0));
        assert_eq!(found.noise, [0.0, 0.0]);
    }
}
