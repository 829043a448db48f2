//! One side of a comparison: receipts of one program at one task.

use super::{
    difference::{Difference, Times, apart, in_turns},
    figure::{Figure, prefill_ns, step_ns},
};
use crate::receipt::Receipt;

/// What a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A receipt with all its repetitions: a process, which began on its own.
    Process,
    /// A repetition of a receipt.
    Repetition,
}

/// How long a fixed number of steps of a clock that works stay equal.
const STEPS_THAT_DIFFER: usize = 16;

/// The differences of runs that took turns, pair by pair: decode if there is any, prefill, first token.
/// A sample is a whole process.
pub fn differences_in_turns(old: &[Receipt], new: &[Receipt], confidence: f64) -> Vec<Difference> {
    differences(old, new, Unit::Process, |old, new| {
        in_turns(old, new, confidence)
    })
}

/// The differences of runs of different times, as [`differences_in_turns`]. A sample is a repetition.
pub fn differences_apart(
    old: &[Receipt],
    new: &[Receipt],
    confidence: f64,
    drift: f64,
) -> Vec<Difference> {
    differences(old, new, Unit::Repetition, |old, new| {
        apart(old, new, confidence, drift)
    })
}

fn differences(
    old: &[Receipt],
    new: &[Receipt],
    unit: Unit,
    compare: impl Fn(&Times, &Times) -> Option<Difference>,
) -> Vec<Difference> {
    let figures = [Figure::Decode, Figure::Prefill, Figure::FirstToken];
    let found = figures
        .into_iter()
        .map(|figure| compare(&times(old, figure, unit)?, &times(new, figure, unit)?));
    found.flatten().collect()
}

/// The times of `figure` in all `receipts`. `None` if a receipt has none.
fn times(receipts: &[Receipt], figure: Figure, unit: Unit) -> Option<Times> {
    let samples = receipts.iter().map(|r| {
        let (prefill, decode) = (&r.samples.prefill_ns, &r.samples.decode_ns);
        let steps: Vec<&[u64]> = decode.iter().map(Vec::as_slice).collect();
        match (figure, unit) {
            (Figure::Decode, Unit::Process) => step_ns(&steps).map(|ns| vec![ns]),
            (Figure::Decode, Unit::Repetition) => {
                steps.iter().map(|steps| step_ns(&[steps])).collect()
            }
            (_, Unit::Process) => prefill_ns(prefill).map(|ns| vec![ns]),
            (_, Unit::Repetition) => Some(prefill.iter().map(|&ns| ns as f64).collect()),
        }
    });
    let ns = samples.collect::<Option<Vec<Vec<f64>>>>()?.concat();
    let tokens = match figure {
        Figure::Decode => 1,
        _ => receipts.first()?.run.prompt_ids.len(),
    };
    Some(Times {
        figure,
        tokens: tokens as f64,
        ns,
    })
}

/// Whether the clock of a run stood still: all of many steps took the same time. Such times show nothing.
pub fn clock_stands_still(receipts: &[Receipt]) -> bool {
    let steps = receipts
        .iter()
        .flat_map(|r| r.samples.decode_ns.iter().flatten());
    let mut steps = steps.copied();
    let Some(first) = steps.next() else {
        return false;
    };
    let mut n_equal = 1;
    steps.all(|ns| {
        n_equal += 1;
        ns == first
    }) && n_equal >= STEPS_THAT_DIFFER
}
