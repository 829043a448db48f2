//! Notes on times that look made up. Each can have an innocent cause, so none decides anything.

use super::work::Work;
use crate::{
    receipt::Receipt,
    statistics::{Sorted, relative_deviation},
    verify::outcome::{Outcome, RuleOutcome},
};

/// With fewer steps, chance makes patterns.
const ENOUGH_STEPS: usize = 16;

/// The smallest spread of honest steps: half of them lie further from the median than this share.
/// Quiet machines show a few thousandths.
const SMOOTHEST: f64 = 1e-4;

/// How much the work of a step has to grow over a run, for its time to be expected to grow.
const VISIBLE_GROWTH: f64 = 1.5;

/// Clocks tick in nanoseconds, or a hundred of them.
const COARSE_NS: u64 = 1000;

/// One note for each pattern that is found.
pub(super) fn notes(r: &Receipt) -> Vec<RuleOutcome> {
    let patterns = [
        ("steps_repeated", repeated(r)),
        ("steps_smooth", smooth(r)),
        ("steps_round", round(r)),
        ("steps_flat", flat(r)),
    ];
    let found = patterns
        .into_iter()
        .filter_map(|(rule, found)| Some((rule, found?)));
    found
        .map(|(rule, evidence)| RuleOutcome::new(rule, Outcome::Note, evidence))
        .collect()
}

/// Repetitions with enough steps.
fn long(r: &Receipt) -> impl Iterator<Item = (usize, &Vec<u64>)> {
    let repetitions = r.samples.decode_ns.iter().enumerate();
    repetitions.filter(|(_, steps)| steps.len() >= ENOUGH_STEPS)
}

/// No two runs take the same times.
fn repeated(r: &Receipt) -> Option<String> {
    let mut sorted: Vec<_> = long(r).map(|(i, steps)| (steps, i)).collect();
    sorted.sort();
    let pair = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0)?;
    let (first, second) = (pair[0].1, pair[1].1);
    Some(format!(
        "repetitions {first} and {second} have the same times"
    ))
}

fn smooth(r: &Receipt) -> Option<String> {
    let (i, spread) = long(r)
        .filter_map(|(i, steps)| Some((i, relative_deviation(&Sorted::of(steps.clone())?))))
        .find(|(_, spread)| *spread < SMOOTHEST)?;
    Some(format!(
        "half of the steps of repetition {i} are within {spread:.1e} of their median: smoother than \
         any clock"
    ))
}

fn round(r: &Receipt) -> Option<String> {
    let (i, _) = long(r).find(|(_, steps)| steps.iter().all(|ns| ns % COARSE_NS == 0))?;
    Some(format!(
        "every step of repetition {i} is a multiple of {COARSE_NS} ns"
    ))
}

/// Attention takes longer at every position, so later steps take longer where that is much.
fn flat(r: &Receipt) -> Option<String> {
    let first = r.run.prompt_ids.len() as u64;
    let work = Work::of(r).ok()?;
    let macs = |position: u64| Some(work.macs(&(position..position.checked_add(1)?), 1)? as f64);
    let (i, _) = long(r).find(|(_, steps)| {
        let quarter = steps.len() / 4;
        let last = first.saturating_add(steps.len() as u64 - 1);
        let growth = macs(last)
            .zip(macs(first))
            .map(|(last, first)| last / first);
        let median = |steps: &[u64]| Some(*Sorted::of(steps.iter().copied())?.median());
        let (early, late) = (
            median(&steps[..quarter]),
            median(&steps[steps.len() - quarter..]),
        );
        growth.is_some_and(|growth| growth > VISIBLE_GROWTH) && late <= early
    })?;
    Some(format!(
        "the steps of repetition {i} do not take longer with depth, although their work grows"
    ))
}
