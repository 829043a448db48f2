//! Where native and reference first disagree: position, layer, operation, elements, bits.

use std::fmt;

use engine_native::Op;

/// The first disagreement.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// Position.
    pub position: usize,
    /// Layer; none for the final norm, the output matrix and the choice.
    pub layer: Option<usize>,
    /// Operation, if running again found it.
    pub op: Option<Op>,
    /// What differs.
    pub difference: Difference,
}

/// How two outputs differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// Some elements.
    Elements {
        /// Elements that differ.
        n_differ: usize,
        /// Elements in all.
        n_elements: usize,
        /// The first of them: index, native bits, reference bits.
        first: Vec<(usize, u32, u32)>,
    },
    /// The chosen tokens.
    Token {
        /// Native.
        native: u32,
        /// Reference.
        reference: u32,
    },
    /// The checksums, although no value that was compared does.
    Transcript,
    /// A number of things.
    Count {
        /// What is counted.
        what: &'static str,
        /// Native.
        native: usize,
        /// Expected.
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
            Difference::Transcript => f.write_str(": the transcripts differ, no value does"),
            Difference::Count { .. } => Ok(()),
        }
    }
}
