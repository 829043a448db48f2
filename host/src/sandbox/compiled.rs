//! The guest's module, compiled under the sandbox's rules.

use wasmtime::{Config, Engine, Module, OptLevel};

use super::error::SandboxError;
use crate::{guest::GUEST_WASM, watch::Watch};

/// A compiled guest, ready to be instantiated.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) module: Module,
    pub(super) watch: Watch,
}

impl Sandbox {
    /// Compiles the embedded guest.
    ///
    /// # Errors
    /// The module is invalid under the sandbox's rules, or imports anything.
    pub fn new(watch: &Watch) -> Result<Self, SandboxError> {
        Self::with_module(GUEST_WASM, watch)
    }

    /// Who watches what it computes.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// As [`Sandbox::new`], for another module: tests show what the sandbox refuses.
    ///
    /// # Errors
    /// As for [`Sandbox::new`].
    pub fn with_module(wasm: &[u8], watch: &Watch) -> Result<Self, SandboxError> {
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
        let guests = engine.clone();
        // Ends a guest's call at its next loop or function entry.
        watch.on_stop(move || guests.increment_epoch());
        Ok(Self {
            engine,
            module,
            watch: watch.clone(),
        })
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
