//! The result of comparing two sides at one task.

use std::collections::BTreeSet;

use host::{
    comparison::{Aspect, Difference, Verdict, Work, clock_stands_still, compare_work},
    plain::plain,
    receipt::Receipt,
};
use serde::Serialize;

use crate::commands::rows::{engine, tokens_are};

/// Two sides at one task.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// Model, task, settings and machine that both sides have in common.
    pub(super) what: String,
    pub(super) sides: [Side; 2],
    pub(super) tokens: Tokens,
    pub(super) work: Vec<Work>,
    pub(super) confidence: f64,
    pub(super) differences: Vec<Difference>,
    /// Of the decode steps, or of the prefill where there are none.
    pub(super) verdict: Verdict,
    /// The new side is slower than `--max-slowdown` allows.
    pub(super) is_too_slow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) turns: Option<Turns>,
    pub(super) notes: Vec<String>,
}

/// What one side is.
#[derive(Debug, Serialize)]
pub(super) struct Side {
    pub(super) name: String,
    pub(super) receipts: usize,
    pub(super) builds: Vec<String>,
    /// The engines that ran: "ours", or the names of others.
    pub(super) engines: Vec<String>,
    /// How its tokens are known to be right: "bit for bit", "consistent, 2 of 128 tied", "not replayed".
    pub(super) tokens_are: Vec<String>,
    /// A receipt of this side says that its writer replayed the run.
    pub(super) replayed: bool,
    /// The transcript's checksum, or several.
    pub(super) checksums: Vec<String>,
}

/// Whether both sides chose the same tokens, with the same values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tokens {
    Equal,
    /// Another engine is on a side, and the tokens of each side are right: bit for bit, or consistent.
    Judged,
    Different,
    /// The sides have other models or tasks.
    NotCompared,
}

/// How runs took turns.
#[derive(Debug, Serialize)]
pub(super) struct Turns {
    pub(super) pairs: usize,
    pub(super) order_seed: u64,
    pub(super) seconds: f64,
    /// Whether the interval became as narrow as was asked for.
    pub(super) is_narrow: bool,
    pub(super) width: f64,
}

/// What a comparison is made of.
pub(super) struct Made<'r> {
    pub(super) names: [String; 2],
    /// All receipts of each side, at least one.
    pub(super) sides: [&'r [Receipt]; 2],
    pub(super) across: &'r BTreeSet<Aspect>,
    pub(super) differences: Vec<Difference>,
    pub(super) confidence: f64,
    pub(super) max_slowdown: Option<f64>,
}

impl Comparison {
    pub(super) fn new(what: String, made: Made) -> Self {
        let mut notes = Vec::new();
        let [old, new] = made.sides;
        let mut differences = made.differences;
        if clock_stands_still(old) || clock_stands_still(new) {
            notes.push(
                "all steps of one side took the same time: its clock stands still".to_owned(),
            );
            for difference in &mut differences {
                difference.interval = None;
                difference.verdict = Verdict::NoDifference;
            }
        }
        if repetitions(old) != repetitions(new) {
            let note =
                "the sides have other numbers of repetitions, which shifts their figures a little";
            notes.push(note.to_owned());
        }
        // Decoding, if there is any: a prefill is one sample of each repetition, and noisier.
        let is_too_slow = made
            .max_slowdown
            .is_some_and(|allowed| differences.first().is_some_and(|d| d.is_slower_by(allowed)));
        if let Some(other) = old.iter().chain(new).find_map(|r| r.engine.as_ref()) {
            notes.push(format!(
                "the steps of {} end when their tokens arrive here, by the clock of bitreceipt",
                plain(&other.name, 120)
            ));
        }
        let names = made.names.each_ref();
        Self {
            what,
            tokens: tokens(old, new, made.across),
            work: match (old, new) {
                ([old, ..], [new, ..]) => compare_work(old, new),
                _ => Vec::new(),
            },
            sides: [Side::new(names[0], old), Side::new(names[1], new)],
            confidence: made.confidence,
            verdict: differences
                .first()
                .map_or(Verdict::NoDifference, |d| d.verdict),
            is_too_slow,
            differences,
            turns: None,
            notes,
        }
    }

    /// Other tokens, or less speed than is allowed.
    pub(super) fn is_broken(&self) -> bool {
        self.tokens == Tokens::Different || self.is_too_slow
    }

    /// How many samples each side has.
    pub(super) fn samples(&self) -> [usize; 2] {
        self.differences.first().map_or([0, 0], |d| d.samples)
    }
}

impl Side {
    fn new(name: &str, receipts: &[Receipt]) -> Self {
        let distinct = |of: &dyn Fn(&Receipt) -> String| {
            let all: BTreeSet<String> = receipts.iter().map(of).collect();
            all.into_iter().collect::<Vec<_>>()
        };
        Self {
            name: plain(name, usize::MAX),
            receipts: receipts.len(),
            builds: distinct(&|r| plain(&r.build.git_commit, 12)),
            engines: distinct(&|r| engine(r)),
            tokens_are: distinct(&tokens_are),
            replayed: receipts.iter().any(is_replayed),
            checksums: distinct(&|r| r.parity.checksum.to_string()),
        }
    }
}

fn is_replayed(r: &Receipt) -> bool {
    r.parity.status.is_replayed()
}

fn repetitions(receipts: &[Receipt]) -> BTreeSet<u64> {
    receipts.iter().map(|r| r.run.repetitions).collect()
}

fn tokens(old: &[Receipt], new: &[Receipt], across: &BTreeSet<Aspect>) -> Tokens {
    if across.contains(&Aspect::Model) || across.contains(&Aspect::Task) {
        let same = |aspect: Aspect| {
            let all: BTreeSet<String> = old.iter().chain(new).map(|r| aspect.of(r)).collect();
            all.len() == 1
        };
        if !same(Aspect::Model) || !same(Aspect::Task) {
            return Tokens::NotCompared;
        }
    }
    let is_of_another = old.iter().chain(new).any(Receipt::is_external);
    if is_of_another && old.iter().chain(new).all(is_replayed) {
        return Tokens::Judged;
    }
    let mut all = old.iter().chain(new);
    let first = all.next().map(|r| (r.parity.checksum, &r.tokens));
    match all.all(|r| Some((r.parity.checksum, &r.tokens)) == first) {
        true => Tokens::Equal,
        false => Tokens::Different,
    }
}
