//! What becomes of the cells of a sweep.

use host::receipt::Receipt;

use crate::{
    commands::{
        benchmark::{no_number::NoNumber, settings::Planned},
        rows::{Entry, Line, WithoutNumber},
    },
    engines::Reported,
    exit::Exit,
};

/// What became of a cell.
pub enum Outcome {
    /// It has a receipt.
    Made(Box<Made>),
    /// Its engine, which is not ours, has no number.
    Without(NoNumber),
}

/// A receipt, and what stands in none.
pub struct Made {
    /// The receipt.
    pub receipt: Receipt,
    /// What another engine says of its own times.
    pub reported: Vec<Reported>,
    /// What has to be known about its times.
    pub notes: Vec<String>,
}

impl From<Receipt> for Outcome {
    fn from(receipt: Receipt) -> Self {
        Self::Made(Box::new(Made {
            receipt,
            reported: Vec::new(),
            notes: Vec::new(),
        }))
    }
}

impl Outcome {
    /// The receipt, if there is one.
    pub fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Made(made) => Some(&made.receipt),
            Self::Without(_) => None,
        }
    }
}

/// A line of the table, with what it needs.
pub enum Shown {
    /// A receipt.
    Entry(Entry),
    /// No number.
    Without(WithoutNumber),
}

impl Shown {
    /// The line.
    pub fn line(&self) -> Line<'_> {
        match self {
            Self::Entry(entry) => Line::Entry(entry),
            Self::Without(without) => Line::Without(without),
        }
    }
}

/// The line of a cell whose receipt, if there is one, is at `file`.
pub fn shown(planned: &Planned, outcome: &Outcome, file: String) -> Shown {
    match outcome {
        Outcome::Made(made) => Shown::Entry(Entry {
            reported: made.reported.clone(),
            ..planned.entry(&made.receipt, file)
        }),
        Outcome::Without(no_number) => Shown::Without(planned.without_number(no_number)),
    }
}

/// The exit code: that of a rejection if there is one, or else that of the first failure.
pub fn exit(outcomes: &[Outcome]) -> Exit {
    let codes = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Made(_) => None,
        Outcome::Without(no_number) => Some(no_number.failure.exit),
    });
    let codes: Vec<Exit> = codes.collect();
    match codes.contains(&Exit::Rejected) {
        true => Exit::Rejected,
        false => codes.first().copied().unwrap_or(Exit::Done),
    }
}
