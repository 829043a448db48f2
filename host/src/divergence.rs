//! Where the native engine and the reference first disagree: position, layer, operation, elements.

use std::fmt;

use engine_native::Op;

/// The first disagreement between the native engine and the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// Position.
    pub position: usize,
    /// Layer; `None` for the final norm, the output matrix and the choice.
    pub layer: Option<usize>,
    /// Operation, if a second run found it.
    pub op: Option<Op>,
    /// What differs.
    pub difference: Difference,
}

/// How two outputs differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// Elements of an output.
    Elements {
        /// Number of elements that differ.
        n_differ: usize,
        /// Number of elements of the output.
        n_elements: usize,
        /// The first elements that differ: index, native bits, reference bits.
        first: Vec<(usize, u32, u32)>,
    },
    /// The chosen tokens.
    Token {
        /// The native engine's token.
        native: u32,
        /// The reference's token.
        reference: u32,
    },
    /// The checksums, although all compared values are equal.
    Transcript,
    /// The number of recorded items.
    Count {
        /// What is counted.
        what: &'static str,
        /// The number that the native engine recorded.
        native: usize,
        /// The number that the task requires.
        expected: usize,
    },
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Difference::Count {
            what,
            native,
            expected,
        } = self.difference
        {
            return write!(f, "{what}: native has {native}, the task has {expected}");
        }
        write!(f, "position {}", self.position)?;
        if let Some(layer) = self.layer {
            write!(f, ", layer {layer}")?;
        }
        match self.op {
            Some(op) => write!(f, ", op {}", op.name())?,
            None => f.write_str(", op unknown (a second native run agrees with the reference)")?,
        }
        match &self.difference {
            Difference::Token { native, reference } => {
                write!(f, ": native chose token {native}, reference {reference}")
            }
            Difference::Elements {
                n_differ,
                n_elements,
                first,
            } => {
                write!(f, ": {n_differ} of {n_elements} elements differ")?;
                for (index, native, reference) in first {
                    write!(
                        f,
                        "; [{index}] native {native:#010x} reference {reference:#010x}"
                    )?;
                }
                Ok(())
            }
            Difference::Transcript => {
                f.write_str(": the transcripts differ, but no compared value does")
            }
            Difference::Count { .. } => Ok(()),
        }
    }
}
