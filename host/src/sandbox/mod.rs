//! The sandbox: the reference guest in wasmtime, with nothing to import and every resource bounded.
//!
//! The guest is embedded in this binary and compiled at start. No precompiled module and no cache
//! is read from disk, so what runs is what `guest-reference/artifact.json` pins.

mod abi;
mod calls;
mod compiled;
mod error;
mod guest;

pub use compiled::Sandbox;
pub use error::SandboxError;
pub use guest::{Guest, GuestShape, ModelInput, OpBits};
