//! The judgement on runs of other engines: could a right engine have chosen these tokens?
//!
//! Our engine must equal the reference in every bit. Other engines sum in other orders and round elsewhere,
//! so a choice between two nearly equal logits can go either way. The reference is fed the tokens of the engine,
//! so that one wrong token does not make all later ones wrong. At each position there is one of three answers:
//! *exact*, *tied* within a [`Tolerance`], or *wrong*. A run is *consistent* if nothing is wrong and it has
//! no more ties than the noise of right engines explains on this run. Where the engine gave its
//! largest logits, their values are compared as well.
//!
//! `ci/TRANSCRIPT.md` explains the rules to users.

mod claim;
mod judgement;
mod margin;
mod mistake;
mod ranking;
mod row;
#[cfg(feature = "run")]
mod sensitivity;
#[cfg(test)]
mod tests;
mod ties;
mod tolerance;
mod values;
mod verdict;

pub use claim::{BadClaim, Claim};
pub use judgement::{Consistency, Judgement};
pub use margin::{MAX_RIVALS, Margin};
pub use mistake::Mistake;
pub use ranking::Ranking;
pub(crate) use row::Largest;
pub use row::Moments;
#[cfg(feature = "run")]
pub(crate) use sensitivity::{Sensitivity, Summit};
pub use ties::Ties;
pub use tolerance::{DEFAULT, Limit, Limits, Precision, Tolerance, shown};
pub use values::Values;
pub use verdict::{Answer, TokenVerdict};
