//! The policy of a verifier: which correct receipts to accept, and which times are too short to be
//! true.

mod caching;
mod file;
mod physics;
mod rules;

pub use file::{
    Accept, Caching, Ceilings, MAX_POLICY_BYTES, Policy, PolicyError, Require, RequiredParity,
};
pub(super) use rules::{Done, check};
