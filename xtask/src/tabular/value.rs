//! What rows are made of.

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Text(String),
    Integer(u64),
    Real(f64),
    Flag(bool),
    /// Only in JSON; the other formats have no place for lists.
    Integers(Vec<u64>),
    /// As integers.
    Reals(Vec<f64>),
    /// What is not known.
    Nothing,
}

impl Value {
    /// A real number, or nothing.
    pub fn real(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Real)
    }

    /// A whole number, or nothing.
    pub fn integer(number: Option<u64>) -> Self {
        number.map_or(Self::Nothing, Self::Integer)
    }

    fn is_list(&self) -> bool {
        matches!(self, Self::Integers(_) | Self::Reals(_))
    }
}

/// A row: names of columns and their values. All rows of a table have the same columns in the same
/// order.
pub type Record = Vec<(&'static str, Value)>;

/// The columns that are no lists.
pub(super) fn flat(record: &Record) -> impl Iterator<Item = &(&'static str, Value)> {
    record.iter().filter(|(_, value)| !value.is_list())
}
