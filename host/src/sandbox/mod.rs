//! The sandbox: the reference guest in wasmtime, without imports and with every resource bounded.
//!
//! The guest is embedded in this binary and compiled at start. No precompiled module and no cache
//! is read from disk, so the module that runs is the one that `guest-reference/artifact.json` pins.

mod abi;
mod bounds;
mod calls;
mod compiled;
mod error;
mod guest;

pub use compiled::Sandbox;
pub use error::SandboxError;
pub use guest::{Guest, GuestShape, ModelInput, OpBits};
