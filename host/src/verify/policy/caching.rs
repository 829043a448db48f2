//! Detects figures that may come from a cache of the prompt's earlier run. Modelled on MLPerf's
//! audit TEST04, which compares repeated samples with fresh ones.
//!
//! Warm-up runs use another prompt, so the first repetition is the fresh one. In a measurement that
//! was made again it is not, and a run of another prompt takes its place.

use super::file::Caching;
use crate::{receipt::Receipt, statistics::Sorted, verify::rules::derived::repetitions};

/// With at least this many samples, a few interruptions do not change the median.
const ENOUGH_SAMPLES: usize = 16;

/// Compares the repetition that the figures come from with the first one.
pub(super) fn check(r: &Receipt, caching: &Caching) -> Result<(), String> {
    if r.samples.prefill_ns.is_empty() || r.samples.decode_ns.is_empty() {
        // Which another rule reports.
        return Ok(());
    }
    let again = repetitions(r)
        .ok_or("the times overflow")?
        .median()
        .repetition;
    let (prefill, decode) = (&r.samples.prefill_ns, &r.samples.decode_ns);
    let control = r.samples.discarded.iter().flatten().last();
    let (fresh_prefill, fresh_decode, which) = match control {
        None => (prefill[0], &decode[0], "repetition 0"),
        Some(discarded) => (
            discarded.control_prefill_ns,
            &discarded.control_decode_ns,
            "the control run",
        ),
    };
    let figures = [
        ("prefill", &[fresh_prefill][..], &prefill[again..=again]),
        ("decode step", &fresh_decode[..], &decode[again][..]),
    ];
    figures.iter().try_for_each(|(what, fresh, times)| {
        repeated(fresh, times, caching).map_err(|speedup| {
            format!(
                "{what} of repetition {again}: {speedup:.2} times as fast as in {which}, where the \
                 prompt was new; the policy accepts {}",
                caching.max_speedup
            )
        })
    })
}

/// Checks that the times `again` of a repeated prompt are plausible after the times `fresh`; if not,
/// says how many times faster they are.
fn repeated(fresh: &[u64], again: &[u64], caching: &Caching) -> Result<(), f64> {
    let (Some(first), Some(second)) = (typical(fresh), typical(again)) else {
        return Ok(());
    };
    let saved_ms = (first - second) * fresh.len() as f64 / 1e6;
    let is_jitter = fresh.len() < ENOUGH_SAMPLES && saved_ms <= caching.jitter_ms;
    let speedup = first / second;
    if speedup <= caching.max_speedup || is_jitter {
        return Ok(());
    }
    Err(speedup)
}

/// The lower median, in nanoseconds.
fn typical(times: &[u64]) -> Option<f64> {
    Some(*Sorted::of(times.iter().copied())?.median() as f64)
}
