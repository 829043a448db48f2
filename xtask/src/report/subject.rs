//! One receipt of a report, and what is known of it.

use host::{
    plain::plain,
    receipt::Receipt,
    statistics::Sorted,
    verify::{Explanation, Summary, Verdict},
};

use super::profile::ProfileRecord;

/// A receipt with its verdict.
#[derive(Debug)]
pub struct Subject {
    /// Its file, safe to show.
    pub place: String,
    /// The receipt.
    pub receipt: Receipt,
    /// Its content as the verdict has it: strings are safe to show, and there is no speed of another engine
    /// that is rejected.
    pub summary: Summary,
    /// What the verification found.
    pub verdict: Verdict,
    /// The same in plain sentences.
    pub explanation: Explanation,
    /// When it was verified: RFC 3339, UTC.
    pub verified_at: String,
    /// The time of each operation, if there is one.
    pub profile: Option<ProfileRecord>,
    /// Whether a bundle lies beside the file.
    pub has_bundle: bool,
}

/// A repetition's rates, in tokens per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Of the prefill.
    pub prefill: f64,
    /// Of the decode steps; `None` without any.
    pub decode: Option<f64>,
}

impl Subject {
    /// The tests in the words of llama-bench: `pp16`, and `tg128` if there are decode steps.
    pub fn test(&self) -> String {
        let receipt = &self.receipt;
        match receipt.run.tokens {
            0 | 1 => receipt.prefill_label(),
            _ => format!("{} + {}", receipt.prefill_label(), receipt.decode_label()),
        }
    }

    /// Prompt tokens, timed or not: the position of the first decode step.
    pub fn n_prompt(&self) -> usize {
        self.receipt.run.prompt_ids.len()
    }

    /// The times of all decode steps of all repetitions. `None` without any.
    pub fn steps(&self) -> Option<Sorted<u64>> {
        Sorted::of(self.receipt.samples.decode_ns.iter().flatten().copied())
    }

    /// The rates of each repetition.
    pub fn rates(&self) -> Vec<Rates> {
        let samples = &self.receipt.samples;
        let pairs = samples.prefill_ns.iter().zip(&samples.decode_ns);
        let rates = pairs.map(|(&prefill, steps)| Rates {
            prefill: per_second(self.receipt.n_prefilled(), u128::from(prefill)),
            decode: (!steps.is_empty()).then(|| per_second(steps.len() as u64, sum(steps))),
        });
        rates.collect()
    }

    /// The kernels, such as `amx`, or another engine, and the threads: what two receipts of one task may
    /// differ in.
    pub fn setting(&self) -> String {
        let claim = &self.summary.claimed;
        let kernels = match &self.receipt.engine {
            Some(engine) => plain(&engine.name, 120),
            None => claim.isas.join("+"),
        };
        let plural = if claim.threads == 1 { "" } else { "s" };
        format!("{kernels}, {} thread{plural}", claim.threads)
    }
}

/// The sum of times; whatever a stranger wrote, it does not overflow.
pub fn sum(times: &[u64]) -> u128 {
    times.iter().map(|&ns| u128::from(ns)).sum()
}

fn per_second(n: u64, ns: u128) -> f64 {
    n as f64 / ns.max(1) as f64 * 1e9
}
