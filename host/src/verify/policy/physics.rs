//! No time is shorter than the least that the run's work takes, and no CPU time either.

use std::ops::Range;

use super::{file::Policy, floor::Floor};
use crate::{receipt::Receipt, verify::rules::witness::CPU_CLOCK_TICK_NS};

/// Checks that no prefill is faster than the policy's ceilings allow, in measurements that were not used
/// either. Of another engine, only that it reads all weights is known.
pub(super) fn prefill(r: &Receipt, policy: &Policy) -> Result<(), String> {
    let floor = Floor::of(r, &policy.ceilings)?;
    let least = match r.is_external() {
        true => floor.reading_seconds(),
        false => floor.seconds(&prompt(r)),
    };
    let least = least.ok_or(OVERFLOW)?;
    let discarded = r.samples.discarded.iter().flatten();
    let others = discarded.flat_map(|d| d.prefill_ns.iter().chain([&d.control_prefill_ns]));
    let mut times = r.samples.prefill_ns.iter().chain(others).enumerate();
    times.try_for_each(|(i, &ns)| possible(&prompt(r), least, ns).map_err(in_repetition(i)))
}

/// Checks that no decode step is faster than the policy's ceilings allow, in measurements that were not
/// used either.
pub(super) fn decode(r: &Receipt, policy: &Policy) -> Result<(), String> {
    let floor = Floor::of(r, &policy.ceilings)?;
    let discarded = r.samples.discarded.iter().flatten();
    let others = discarded.flat_map(|d| d.decode_ns.iter().chain([&d.control_decode_ns]));
    let all = r.samples.decode_ns.iter().chain(others);
    // The least time rises with the position, so most steps need no comparison of their own.
    let longest = all.clone().map(Vec::len).max().unwrap_or_default();
    let Some(last) = decode_steps(r, longest).next_back() else {
        return Ok(());
    };
    let most = floor.seconds(&last).ok_or(OVERFLOW)?;
    for (i, steps) in all.enumerate() {
        for (positions, &ns) in decode_steps(r, steps.len()).zip(steps) {
            if seconds(ns) < most {
                let least = floor.seconds(&positions).ok_or(OVERFLOW)?;
                possible(&positions, least, ns).map_err(in_repetition(i))?;
            }
        }
    }
    Ok(())
}

/// Why a shape has no least time.
const OVERFLOW: &str = "the shape's work overflows";

/// Checks that the CPU time of each repetition is enough for its work.
pub(super) fn cpu_time(r: &Receipt, policy: &Policy) -> Result<(), String> {
    let floor = Floor::of(r, &policy.ceilings)?;
    let missed = r.run.threads.saturating_mul(CPU_CLOCK_TICK_NS);
    let witnesses = r.samples.witness.iter().flatten();
    // Each step takes at least as long as the first one.
    let first = decode_steps(r, 1).next();
    let first = first.and_then(|step| floor.cpu_seconds(&step));
    // The prompt up to the depth is in the repetition as well.
    let prefill = floor.cpu_seconds(&(0..r.run.prompt_ids.len() as u64));
    let (prefill, step) = prefill.zip(first).ok_or(OVERFLOW)?;
    for (i, (witness, steps)) in witnesses.zip(&r.samples.decode_ns).enumerate() {
        let Some(ns) = witness.cpu_ns else { continue };
        let least = prefill + step * steps.len() as f64;
        if seconds(ns.saturating_add(missed)) < least {
            let why = format!(
                "found {:.6} ms of CPU time, at the policy's ceilings the work takes {:.6} ms",
                ns as f64 / 1e6,
                least * 1e3
            );
            return Err(in_repetition(i)(why));
        }
    }
    Ok(())
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// The positions that the timed prefill feeds.
fn prompt(r: &Receipt) -> Range<u64> {
    r.depth()..r.run.prompt_ids.len() as u64
}

/// The positions that each of `n` decode steps feeds: one.
fn decode_steps(r: &Receipt, n: usize) -> impl DoubleEndedIterator<Item = Range<u64>> + use<> {
    let first = r.run.prompt_ids.len() as u64;
    (first..first + n as u64).map(|position| position..position + 1)
}

fn in_repetition(i: usize) -> impl Fn(String) -> String {
    move |why| format!("repetition {i}: {why}")
}

fn possible(positions: &Range<u64>, least: f64, ns: u64) -> Result<(), String> {
    let found = seconds(ns);
    if found >= least {
        return Ok(());
    }
    let (first, last) = (positions.start, positions.end.saturating_sub(1));
    Err(format!(
        "found positions {first} to {last} in {:.6} ms, at the policy's ceilings they take {:.6} ms",
        found * 1e3,
        least * 1e3
    ))
}
