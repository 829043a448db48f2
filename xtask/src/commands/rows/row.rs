//! A receipt as rows: one for the prompt, one for decoding.

use engine_native::{Isa, KernelName};
use host::{
    plain::plain,
    receipt::{ParityStatus, Receipt, per_second},
    statistics::{Mean, Sorted},
};

use crate::{args::OURS, engines::Reported};

/// The most bytes of a string of a receipt in a row.
const MOST: usize = 120;

/// A receipt, and what is known of it beside what it says.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The receipt.
    pub receipt: Receipt,
    /// Where it is.
    pub file: String,
    /// How the weights were arranged, which no receipt says; only of runs that were just made.
    pub packing: Option<&'static str>,
    /// What another engine says of its own times, of each repetition; only of runs that were just made.
    pub reported: Vec<Reported>,
}

impl Entry {
    /// A receipt of which nothing else is known.
    pub fn of(receipt: Receipt, file: String) -> Self {
        Self {
            receipt,
            file,
            packing: None,
            reported: Vec::new(),
        }
    }

    /// Whether its writer, by its own word, replayed the run.
    pub fn is_replayed(&self) -> bool {
        self.receipt.parity.status.is_replayed()
    }

    /// The row of the prompt, and that of decoding where there is one.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let tests = match self.receipt.run.tokens {
            ..2 => &[Test::Prefill][..],
            _ => &[Test::Prefill, Test::Decode],
        };
        let row = |&test| Row { entry: self, test };
        tests.iter().map(row).collect()
    }

    /// What its writer knows of its tokens, and how many of another engine's are tied.
    pub fn verdict(&self) -> String {
        tokens_are(&self.receipt)
    }

    /// The engine that ran, safe to show.
    pub fn engine(&self) -> String {
        engine(&self.receipt)
    }

    /// What computed: our kernels, or another engine.
    pub fn runs_on(&self) -> String {
        match self.receipt.is_external() {
            true => self.engine(),
            false => self.isa().to_owned(),
        }
    }

    /// The times of prompt and steps that another engine says of itself in milliseconds, means of all
    /// repetitions.
    pub fn reported_ms(&self) -> Option<[f64; 2]> {
        let mean = |of: fn(&Reported) -> f64| {
            let all: Vec<f64> = self.reported.iter().map(of).collect();
            Mean::of(&all).map(|mean| mean.mean)
        };
        Some([mean(|own| own.prompt_ms)?, mean(|own| own.decode_ms)?])
    }

    /// The fastest instruction set of our engine that ran: an ISA builds on those before it.
    pub fn isa(&self) -> &'static str {
        let kernels = self.receipt.kernels.iter();
        let isas = kernels.filter_map(|k| KernelName::parse_id(k));
        let isa = isas.map(|(_, isa)| isa).max();
        isa.map_or("?", Isa::option_name)
    }
}

/// The engine that ran, safe to show.
pub fn engine(receipt: &Receipt) -> String {
    let other = receipt.engine.as_ref();
    other.map_or(OURS.to_owned(), |engine| shown(&engine.name))
}

/// What the writer of a receipt knows of its tokens, in a few words.
pub(super) fn status(receipt: &Receipt) -> &'static str {
    match receipt.parity.status {
        ParityStatus::Passed => "bit for bit",
        ParityStatus::Consistent => "consistent",
        ParityStatus::NotChecked => "not replayed",
    }
}

/// The same, and how many of another engine's tokens are tied.
pub fn tokens_are(receipt: &Receipt) -> String {
    let (status, tokens) = (status(receipt), receipt.run.tokens);
    match &receipt.parity.judgement {
        Some(judgement) => format!("{status}, {} of {tokens} tied", judgement.tied),
        None => status.to_owned(),
    }
}

/// The two things that a benchmark times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Prefill,
    Decode,
}

/// What was timed in one way.
#[derive(Debug, Clone, Copy)]
pub struct Row<'e> {
    pub(super) entry: &'e Entry,
    pub(super) test: Test,
}

impl Row<'_> {
    /// As llama-bench writes it: `pp512`, `tg128 @ d16`.
    pub fn label(&self) -> String {
        match self.test {
            Test::Prefill => self.entry.receipt.prefill_label(),
            Test::Decode => self.entry.receipt.decode_label(),
        }
    }

    /// The tokens whose processing a repetition times. The first generated token is the prefill's.
    pub(super) fn n_timed(&self) -> u64 {
        let receipt = &self.entry.receipt;
        match self.test {
            Test::Prefill => receipt.n_prefilled(),
            Test::Decode => receipt.run.tokens.saturating_sub(1),
        }
    }

    /// Time of each repetition in nanoseconds.
    pub(super) fn samples_ns(&self) -> Vec<u64> {
        let samples = &self.entry.receipt.samples;
        match self.test {
            Test::Prefill => samples.prefill_ns.clone(),
            Test::Decode => {
                let sum = |steps: &Vec<u64>| steps.iter().fold(0u64, |a, b| a.saturating_add(*b));
                samples.decode_ns.iter().map(sum).collect()
            }
        }
    }

    /// The time of each timed step of all repetitions; none of a prefill, which is one step.
    pub(super) fn steps(&self) -> Option<Sorted<u64>> {
        let steps = self.entry.receipt.samples.decode_ns.iter().flatten();
        match self.test {
            Test::Prefill => None,
            Test::Decode => Sorted::of(steps.copied()),
        }
    }

    /// Tokens per second of the median step.
    pub(super) fn median_rate(&self) -> Option<f64> {
        per_second(1, *self.steps()?.median())
    }

    /// Tokens per second by the clock of another engine, if it says its times.
    pub(super) fn reported_rate(&self) -> Option<f64> {
        let ms = |reported: &Reported| match self.test {
            Test::Prefill => reported.prompt_ms,
            Test::Decode => reported.decode_ms,
        };
        let rates = self.entry.reported.iter().map(|reported| {
            let seconds = ms(reported) / 1e3;
            self.n_timed() as f64 / seconds
        });
        let rates: Vec<f64> = rates.filter(|rate| rate.is_finite()).collect();
        Mean::of(&rates).map(|mean| mean.mean)
    }

    /// Tokens per second of each repetition.
    pub fn samples_ts(&self) -> Vec<f64> {
        let samples = self.samples_ns().into_iter();
        samples
            .filter_map(|ns| per_second(self.n_timed(), ns))
            .collect()
    }
}

/// A string of a receipt, safe to show.
pub(super) fn shown(text: &str) -> String {
    plain(text, MOST)
}
