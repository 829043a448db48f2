//! What a verifier demands beyond that a receipt is right: which runs count, and what is too fast to
//! be true.

mod caching;
mod file;
mod physics;
mod rules;

pub use file::{
    Accept, Caching, Ceilings, MAX_POLICY_BYTES, Policy, PolicyError, Require, RequiredParity,
};
pub(super) use rules::{Done, check};
