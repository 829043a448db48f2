//! Signs of noise in the times themselves.

use super::sign::Sign;
use crate::{
    receipt::Receipt,
    statistics::{Sorted, relative_deviation},
};

pub(super) const SIGNS: &[Sign] = &[
    (
        "slow_steps",
        "other work ran; stop it, or judge by the median step",
        slow_steps,
    ),
    (
        "slow_start",
        "the machine was not warm; raise --warmup",
        slow_start,
    ),
    (
        "two_speeds",
        "the CPU has cores of two kinds, or changed its frequency; try --pin",
        two_speeds,
    ),
    (
        "drift",
        "the CPU became hot, or other work began; let it rest and run again",
        drift,
    ),
    ("short", "ask for more tokens or more --repetitions", short),
];

/// Fewer steps say nothing about the shape of their distribution.
const ENOUGH_STEPS: usize = 32;

/// A step this many times as long as the median was interrupted.
const INTERRUPTED: u64 = 10;

/// Interruptions are worth a word if they took this share of the time.
const NOTABLE_SHARE: f64 = 0.01;

fn steps(r: &Receipt) -> Option<Sorted<u64>> {
    Sorted::of(r.samples.decode_ns.iter().flatten().copied())
}

fn slow_steps(r: &Receipt) -> Option<String> {
    let steps = steps(r)?;
    let limit = steps.median().saturating_mul(INTERRUPTED);
    let slow = steps.samples().iter().filter(|&&ns| ns > limit);
    let (count, time) = (slow.clone().count(), sum(slow));
    let share = time / sum(steps.samples());
    (share >= NOTABLE_SHARE).then(|| {
        format!(
            "{count} of {} steps took over {INTERRUPTED} times the median, {:.0} % of the time",
            steps.samples().len(),
            100.0 * share
        )
    })
}

fn sum<'a>(times: impl IntoIterator<Item = &'a u64>) -> f64 {
    times.into_iter().map(|&ns| ns as f64).sum()
}

/// How much slower the first repetition, or the end of a run, may be than the rest.
const NOTABLE_SLOWDOWN: f64 = 1.1;

/// The median step of each repetition with enough of them, in nanoseconds.
fn medians(r: &Receipt) -> Vec<f64> {
    let long = r.samples.decode_ns.iter();
    let long = long.filter(|steps| steps.len() >= ENOUGH_STEPS);
    long.filter_map(|steps| Some(*Sorted::of(steps.iter().copied())?.median() as f64))
        .collect()
}

fn slow_start(r: &Receipt) -> Option<String> {
    let medians = medians(r);
    let (first, rest) = medians.split_first()?;
    let rest = Sorted::by(rest.iter().copied(), f64::total_cmp)?;
    let ratio = first / rest.median();
    // Two repetitions cannot show which of them is the odd one.
    let is_alone = rest.samples().len() >= 2 && *first > NOTABLE_SLOWDOWN * rest.largest();
    is_alone.then(|| {
        format!("the median step of the first repetition took {ratio:.2} times as long as later")
    })
}

/// Two clusters: a gap between neighbouring samples that is wide, with many samples on both sides, each of
/// them narrow.
fn two_speeds(r: &Receipt) -> Option<String> {
    let steps = steps(r)?;
    let all = steps.samples();
    if all.len() < ENOUGH_STEPS {
        return None;
    }
    // Not at the ends, where single steps lie.
    let inner = all.len() / 5..all.len() * 4 / 5;
    let ratio = |i: usize| all[i + 1] as f64 / all[i].max(1) as f64;
    let gap = inner.max_by(|&i, &j| ratio(i).total_cmp(&ratio(j)))?;
    let (low, high) = all.split_at(gap + 1);
    let (low, high) = (Sorted::of(low.to_vec())?, Sorted::of(high.to_vec())?);
    let is_narrow = |half: &Sorted<u64>| relative_deviation(half) < (ratio(gap) - 1.0) / 2.0;
    (ratio(gap) > NOTABLE_SLOWDOWN && is_narrow(&low) && is_narrow(&high)).then(|| {
        format!(
            "{} steps took about {:.3} ms and {} about {:.3} ms, with none between",
            low.samples().len(),
            *low.median() as f64 / 1e6,
            high.samples().len(),
            *high.median() as f64 / 1e6
        )
    })
}

/// Whether repetitions became slower one after the other. Within one, steps do so by their own work.
fn drift(r: &Receipt) -> Option<String> {
    let medians = medians(r);
    let third = medians.len() / 3;
    if third < 2 {
        return None;
    }
    let of = |part: &[f64]| Sorted::by(part.iter().copied(), f64::total_cmp);
    let (early, late) = (
        of(&medians[..third])?,
        of(&medians[medians.len() - third..])?,
    );
    let ratio = late.median() / early.median();
    // Not by a few of them: almost all of one third lie on one side of the other.
    let is_apart = late.percentile(25) > early.percentile(75);
    (is_apart && ratio > NOTABLE_SLOWDOWN).then(|| {
        format!("the last third of the repetitions took {ratio:.2} times as long as the first")
    })
}

/// Less than this is the length of a few interruptions.
const SHORT_NS: u64 = 100_000_000;

fn short(r: &Receipt) -> Option<String> {
    let times = r.samples.prefill_ns.iter();
    let total = sum(times.chain(r.samples.decode_ns.iter().flatten()));
    (total < SHORT_NS as f64).then(|| format!("all timed runs together took {:.1} ms", total / 1e6))
}
