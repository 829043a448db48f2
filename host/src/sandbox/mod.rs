//! The sandbox: the reference guest in wasmtime, with nothing to import and every resource bounded.
//!
//! The guest is embedded in this binary and compiled at start. No precompiled module and no cache
//! is read from disk, so what runs is what `guest-reference/artifact.json` pins.

mod abi;
mod calls;
mod guest;

pub use guest::{Guest, GuestShape, ModelInput};

use std::sync::OnceLock;

use wasmtime::{Config, Engine, Module, OptLevel};

use crate::{cancel::Cancel, digest::Digest};

/// The guest's module.
pub const GUEST_WASM: &[u8] = include_bytes!("../../../guest-reference/guest_reference.wasm");

/// Version of the sandbox: fuel is comparable only between equal versions.
pub const WASMTIME_VERSION: &str = env!("BITRECEIPT_WASMTIME_VERSION");

/// Linear memory that a guest may grow to, in bytes.
pub const MEMORY_LIMIT: usize = 2 << 30;

/// Fuel for one call; a call of the guest that needs more is in an endless loop.
const FUEL_PER_CALL: u64 = 1 << 44;

/// SHA-256 of [`GUEST_WASM`].
pub fn guest_sha256() -> Digest {
    static DIGEST: OnceLock<Digest> = OnceLock::new();
    *DIGEST.get_or_init(|| Digest::of(GUEST_WASM))
}

/// Why the guest did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum SandboxError {
    /// The guest refused the file.
    #[error("{0}")]
    Refused(String),
    /// The model or the task needs more memory than the sandbox gives.
    #[error("reference: {0}")]
    TooLarge(String),
    /// The guest met a value that is not finite.
    #[error("reference: {0}")]
    NonFinite(String),
    /// The guest's calls do not fit together: a defect of host or guest.
    #[error("reference: {0}")]
    Protocol(String),
    /// The guest trapped: out of fuel, memory or bounds.
    #[error("reference trapped: {0}")]
    Trap(String),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl SandboxError {
    /// Whether the reference has an answer, and it is no: the file is refused, or a value is not
    /// finite. Anything else says nothing about the run.
    pub fn is_refutation(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NonFinite(_))
    }
}

/// A compiled guest, ready to be instantiated.
pub struct Sandbox {
    engine: Engine,
    module: Module,
    cancel: Cancel,
}

impl Sandbox {
    /// Compiles the embedded guest.
    ///
    /// # Errors
    /// The module is invalid under the sandbox's rules, or imports anything.
    pub fn new(cancel: &Cancel) -> Result<Self, SandboxError> {
        Self::with_module(GUEST_WASM, cancel)
    }

    /// As [`Sandbox::new`], for another module: tests show what the sandbox refuses.
    ///
    /// # Errors
    /// As for [`Sandbox::new`].
    pub fn with_module(wasm: &[u8], cancel: &Cancel) -> Result<Self, SandboxError> {
        let protocol = |e: wasmtime::Error| SandboxError::Protocol(format!("{e:#}"));
        let engine = Engine::new(&config()).map_err(protocol)?;
        let module = Module::from_binary(&engine, wasm).map_err(protocol)?;
        if let Some(import) = module.imports().next() {
            return Err(SandboxError::Protocol(format!(
                "import {}.{}: the guest may not import anything",
                import.module(),
                import.name()
            )));
        }
        cancel.watch(&engine);
        Ok(Self {
            engine,
            module,
            cancel: cancel.clone(),
        })
    }

    /// A fresh guest, given the header of `file`.
    ///
    /// # Errors
    /// The guest refuses the file.
    pub fn open<'f>(&self, model: ModelInput<'f>) -> Result<Guest<'f>, SandboxError> {
        Guest::open(self, model)
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        // Both sides check for values that are not finite, so a NaN's bits never reach a result.
        .cranelift_nan_canonicalization(false)
        // The guest is optimised already: more would lengthen every start and shorten no replay.
        .cranelift_opt_level(OptLevel::None)
        .max_wasm_stack(1 << 20);
    config
}
