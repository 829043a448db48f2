//! The replay: the reference computes the same task from the same bytes.
//!
//! The guest is fed the tokens that are claimed and chooses on its own at every position. If it
//! chooses each claimed token, decoding by itself would have fed it exactly these tokens: the
//! replay then is the reference's own decode. That lets it go layer by layer over all positions,
//! so that each weight is loaded once and memory follows one layer, not the file.
//!
//! Several guests may work at once, each on a layer of its own, from residual streams that a native
//! run has left. These are guesses: a layer whose guest finds anything else than what the next one
//! started from is followed by a replay in order. Wrong guesses cost time, and never a verdict.

mod audit;
mod calls;
mod claimed_run;
mod decode;
mod guesses;
mod margin;
mod parallel;
mod units;
mod whole;
mod work;

pub use audit::{Audited, Finding, audit, units_of};
pub(crate) use claimed_run::{ClaimedRun, claimed_traces};
pub use decode::{Decoded, decode, embedded, op_outputs};
pub use guesses::Guesses;
pub use units::Unit;
pub use whole::{Replay, margins, replay};
