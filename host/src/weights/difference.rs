//! The first thing in which two files differ.

use std::fmt;

use serde::Serialize;

/// A weight in a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The tensor's name in the first file.
    pub tensor: String,
    /// Its row, from 0.
    pub row: u64,
    /// Its column in that row, from 0.
    pub column: u64,
}

/// What differs first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
#[allow(missing_docs)]
pub enum Difference {
    /// A setting that changes what is computed.
    Setting {
        name: &'static str,
        first: String,
        second: String,
    },
    /// A tensor that only one of the files has.
    Tensor { name: String, only_in_first: bool },
    /// A tensor of another shape, fastest dimension first.
    Dimensions {
        name: String,
        first: Vec<u64>,
        second: Vec<u64>,
    },
    /// A weight.
    Weight {
        #[serde(flatten)]
        place: Place,
        first: f32,
        second: f32,
        /// One is the other, rounded to f16. The types of the files may not be able to say the same.
        is_rounding: bool,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Setting {
                name,
                first,
                second,
            } => write!(
                f,
                "{name}: {first} in the first file, {second} in the second"
            ),
            Self::Tensor {
                name,
                only_in_first,
            } => {
                let which = ["second", "first"][usize::from(*only_in_first)];
                write!(f, "tensor {name}: only the {which} file has it")
            }
            Self::Dimensions {
                name,
                first,
                second,
            } => write!(
                f,
                "dimensions of tensor {name}: {first:?} in the first file, {second:?} in the second"
            ),
            Self::Weight {
                place:
                    Place {
                        tensor,
                        row,
                        column,
                    },
                first,
                second,
                is_rounding,
            } => {
                write!(
                    f,
                    "tensor {tensor}, row {row}, column {column}: {first:?} in the first file, {second:?} in \
                     the second"
                )?;
                match is_rounding {
                    true => f.write_str("; one is the other, rounded to f16"),
                    false => Ok(()),
                }
            }
        }
    }
}
