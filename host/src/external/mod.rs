//! A run of another engine: the tokens that it chose, and what the reference says of them.
//!
//! Other engines sum in another order and round elsewhere, so a choice between two logits that are
//! nearly equal may fall either way. The file or the verifier declares how near is too near;
//! such a choice never counts as right.

mod file;
mod judgement;

pub use file::{ExternalRun, MAX_EXTERNAL_BYTES, NotAnExternalRun};
pub use judgement::{Judgement, Margin, TokenVerdict};
