//! The sandbox: the reference guest without imports, with every call and every answer checked.
//!
//! The guest is embedded in this binary and compiled at start. No precompiled module and no cache
//! is read from disk, so the module that runs is the one that `guest-reference/artifact.json` pins.
//! With the feature `run` it runs in wasmtime, with every resource bounded. Whatever else runs
//! WebAssembly, such as a browser, implements [`Instance`].

mod abi;
#[cfg(feature = "run")]
mod bounds;
mod calls;
#[cfg(feature = "run")]
mod compiled;
mod error;
mod guest;
#[cfg(feature = "run")]
mod in_wasmtime;
mod instance;

pub use abi::{Export, Int};
pub use error::SandboxError;
pub use guest::{Guest, GuestShape, OpBits};
pub use instance::Instance;
#[cfg(feature = "run")]
pub use {
    compiled::Sandbox,
    in_wasmtime::{InSandbox, ModelInput},
};
