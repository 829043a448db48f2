//! A benchmark run, in the only order in which it can happen:
//! [`Loaded`] → [`Measured`] → [`Proved`] → receipt. Each phase is made from the one before.

mod failure;
mod phases;

pub use failure::RunFailure;
pub use phases::{Loaded, Measured, Phase, Progress, Proved, RunSettings};
