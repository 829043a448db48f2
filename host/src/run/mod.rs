//! A benchmark run in phases: [`Loaded`] → [`Measured`] → [`Proved`] → receipt. Each phase can only
//! be made from the one before it.

mod broken_rule;
mod compare;
mod loaded;
mod measured;
mod profile;
mod proved;
mod receipt;
mod repetitions;
mod runner;

pub use loaded::{Loaded, RunSettings};
pub use measured::Measured;
pub use profile::{OpProfile, Profile, StepProfile, bytes_per_decoded_token};
pub use proved::Proved;
pub use runner::{NativeRunner, Recording, Runner};
