//! The policy of a verifier: which correct receipts to accept, and which times are too short to be
//! true.

mod caching;
mod ceilings;
mod cpus;
mod file;
mod floor;
mod physics;
mod rules;

pub use ceilings::Ceilings;
pub use cpus::Cpu;
pub use file::{
    Accept, Caching, MAX_POLICY_BYTES, Policy, PolicyError, Require, RequiredParity, Retime,
};
pub use floor::least_step_seconds;
pub use rules::SpeedRatio;
pub(super) use rules::{Done, check};
