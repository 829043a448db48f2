//! What a table has a line of: a receipt, or a cell without a number.

use super::{row::Entry, row::Row, without::WithoutNumber};
use crate::tabular::Record;

/// A receipt, or a cell without a number.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Line<'l> {
    Entry(&'l Entry),
    Without(&'l WithoutNumber),
}

impl<'l> Line<'l> {
    /// The rows of its receipt; none without a number.
    pub(super) fn rows(self) -> Vec<Row<'l>> {
        match self {
            Self::Entry(entry) => entry.rows(),
            Self::Without(_) => Vec::new(),
        }
    }

    /// Its rows for programs.
    pub(super) fn records(self) -> Vec<Record> {
        match self {
            Self::Entry(entry) => entry.rows().iter().map(Row::record).collect(),
            Self::Without(without) => vec![without.record()],
        }
    }

    /// Whether it is of another engine than ours.
    pub(super) fn is_of_another(self) -> bool {
        match self {
            Self::Entry(entry) => entry.receipt.is_external(),
            Self::Without(_) => true,
        }
    }
}

impl<'l> From<&'l Entry> for Line<'l> {
    fn from(entry: &'l Entry) -> Self {
        Self::Entry(entry)
    }
}
