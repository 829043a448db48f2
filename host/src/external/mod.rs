//! Runs of other engines: the tokens that they chose, and the reference's judgement of them.
//!
//! Other engines sum in a different order and round differently, so a choice between two nearly
//! equal logits can go either way. The file or the verifier says which difference counts as a tie.
//! A choice at a tie never counts as right.

mod file;
mod judgement;

pub use file::{ExternalRun, MAX_EXTERNAL_BYTES, NotAnExternalRun};
pub use judgement::{Judgement, Margin, TokenVerdict};
