//! The guest's module, compiled with the sandbox's limits.

use wasmtime::{Config, Engine, Module, OptLevel};

use super::error::SandboxError;
use crate::{guest::GUEST_WASM, watch::Watch};

/// A compiled guest, from which any number of isolated instances can be made.
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

    /// Like [`Sandbox::new`], but compiles another module. Tests use it to show what is refused.
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
        // Host and guest both reject values that are not finite, so no result depends on a NaN's
        // bits.
        .cranelift_nan_canonicalization(false)
        // The module is already optimised: optimising again would slow down every start without
        // speeding up any replay.
        .cranelift_opt_level(OptLevel::None)
        .max_wasm_stack(1 << 20);
    config
}
