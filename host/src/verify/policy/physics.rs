//! The least time that a run can take: its work at rates that no machine exceeds. Caches are
//! assumed to be as large as the policy allows, so that no honest run is refused.

use std::ops::Range;

use super::file::{Ceilings, Policy};
use crate::{receipt::Receipt, verify::rules::work::Work};

/// Checks that no prefill is faster than the policy's ceilings allow.
pub(super) fn prefill(r: &Receipt, policy: &Policy) -> Result<(), String> {
    let work = Work::of(r)?;
    let end = r.run.prompt_ids.len() as u64;
    let mut times = r.samples.prefill_ns.iter().enumerate();
    times.try_for_each(|(i, &ns)| {
        possible(&work, 0..end, ns, r, &policy.ceilings).map_err(in_repetition(i))
    })
}

/// Checks that no decode step is faster than the policy's ceilings allow.
pub(super) fn decode(r: &Receipt, policy: &Policy) -> Result<(), String> {
    let work = Work::of(r)?;
    let first = r.run.prompt_ids.len() as u64;
    for (i, steps) in r.samples.decode_ns.iter().enumerate() {
        for (position, &ns) in (first..).zip(steps) {
            possible(&work, position..position + 1, ns, r, &policy.ceilings)
                .map_err(in_repetition(i))?;
        }
    }
    Ok(())
}

fn in_repetition(i: usize) -> impl Fn(String) -> String {
    move |why| format!("repetition {i}: {why}")
}

fn possible(
    work: &Work,
    positions: Range<u64>,
    ns: u64,
    r: &Receipt,
    ceilings: &Ceilings,
) -> Result<(), String> {
    let (first, last) = (positions.start, positions.end.saturating_sub(1));
    let least = least_seconds(work, positions, ceilings).ok_or("the shape's work overflows")?;
    let least = least / r.run.threads.max(1) as f64;
    let found = ns as f64 / 1e9;
    if found >= least {
        return Ok(());
    }
    Err(format!(
        "found positions {first} to {last} in {:.6} ms, at the policy's ceilings they take {:.6} ms",
        found * 1e3,
        least * 1e3
    ))
}

/// The least time in seconds that one thread needs for `positions`, fed in one step.
fn least_seconds(work: &Work, positions: Range<u64>, ceilings: &Ceilings) -> Option<f64> {
    let bytes = work.bytes(positions.end)?;
    let macs = work.macs(positions)? as f64;
    let cached = bytes.min(ceilings.cache_bytes);
    let reading = cached / ceilings.cache_bytes_per_sec_per_thread
        + (bytes - cached) / ceilings.memory_bytes_per_sec_per_thread;
    // Computing and reading can overlap.
    Some((macs / ceilings.macs_per_sec_per_thread).max(reading))
}
