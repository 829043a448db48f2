//! The speed, in the words of a verdict: whose claim it is, and what it says of the machine.

use super::{
    derived::{median, repetitions},
    shortened,
    work::Work,
};
use crate::receipt::Receipt;

/// What is known of a receipt's speed: that somebody claims it.
pub(super) fn claimed(receipt: Option<&Receipt>) -> String {
    let Some(r) = receipt else {
        return "claimed by nobody".into();
    };
    // The name comes from the receipt: it must not look like another line of the verdict.
    let host = shortened(r.host.cpu_model.replace(char::is_control, " "));
    let rates = match decode_rates(r) {
        Some((bytes, macs)) => format!(
            " (decoding needs at least {:.1} GB/s and {:.1} GMAC/s)",
            bytes / 1e9,
            macs / 1e9
        ),
        None => String::new(),
    };
    format!("{} tokens/s, claimed by {host}{rates}", r.tokens_per_sec)
}

/// Bytes and multiply-accumulates a second that the decode of the median repetition takes at least.
/// Derived from the shape: what a receipt would say of itself is not asked.
fn decode_rates(r: &Receipt) -> Option<(f64, f64)> {
    let work = Work::of(r).ok()?;
    let sorted = repetitions(r)?;
    let seconds = median(&sorted)?.decode_ns as f64 / 1e9;
    let first = r.run.prompt_ids.len() as u64;
    let end = first.checked_add(r.run.tokens.checked_sub(1)?)?;
    // Keys and values grow with every step: half-way they are the average.
    let bytes = work.bytes(first + (end - first) / 2)? * (end - first) as f64;
    let macs = work.macs(first..end)? as f64;
    (seconds > 0.0).then(|| (bytes / seconds, macs / seconds))
}
