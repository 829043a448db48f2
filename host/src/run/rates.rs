//! The rates of a receipt, from the times of the repetition that they are computed for.

use crate::receipt::{milliseconds, per_second};

/// Rates of one repetition.
pub(super) struct Rates {
    pub(super) timing_ms: f64,
    pub(super) tokens_per_sec: f64,
    pub(super) prefill_tokens_per_sec: f64,
    pub(super) decode_tokens_per_sec: Option<f64>,
}

impl Rates {
    /// Of a repetition whose prefill fed `n_prefilled` ids. Each time is at least 1 ns.
    pub(super) fn of(n_prefilled: usize, prefill_ns: u64, decode_ns: &[u64]) -> Self {
        let (n_steps, steps_ns) = (decode_ns.len() as u64, decode_ns.iter().sum::<u64>());
        let rate = |count, ns| per_second(count, ns).expect("every step took at least 1 ns");
        let total_ns = prefill_ns + steps_ns;
        Self {
            timing_ms: milliseconds(total_ns),
            tokens_per_sec: rate(n_steps + 1, total_ns),
            prefill_tokens_per_sec: rate(n_prefilled as u64, prefill_ns),
            decode_tokens_per_sec: (n_steps > 0).then(|| rate(n_steps, steps_ns)),
        }
    }
}
