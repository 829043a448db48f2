//! A benchmark run in phases: [`Loaded`] → [`Measured`] → [`Proved`] → receipt. Each phase can only
//! be made from the one before it.
//!
//! Of several runs of one task, each goes from [`Measured`] to [`Settled`], and one [`SharedReplay`]
//! makes their receipts.
//!
//! In a live challenge, a [`Ready`] run takes a nonce for each [`Round`], which becomes a [`Measured`] run
//! when all rounds are over.

mod broken_rule;
mod challenged;
mod compare;
pub mod external;
mod live_transcript;
mod loaded;
mod measured;
mod profile;
mod proved;
mod rates;
mod receipt;
mod repetitions;
mod runner;
mod shared_replay;

pub use challenged::{Ready, Round};
pub use loaded::{Loaded, RunSettings, TimedModel};
pub use measured::Measured;
pub use profile::{OpProfile, Profile, StepProfile, bytes_per_decoded_token};
pub use proved::Proved;
pub use runner::{NativeRunner, Recording, Runner};
pub use shared_replay::{Settled, SharedReplay};
