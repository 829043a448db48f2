//! A benchmark run, in the only order in which it can happen:
//! [`Loaded`] → [`Measured`] → [`Proved`] → receipt. Each phase is made from the one before.

mod failure;
mod loaded;
mod measured;
mod proved;

pub use failure::RunFailure;
pub use loaded::{Loaded, Phase, Progress, RunSettings};
pub use measured::Measured;
pub use proved::Proved;
