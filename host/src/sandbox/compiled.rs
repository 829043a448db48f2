//! The guest's module, compiled with the sandbox's limits.

use wasmtime::{Config, Engine, Module, OptLevel};

use super::error::SandboxError;
use crate::{
    guest::GUEST_WASM,
    machine::{Room, default_threads},
    watch::Watch,
};

/// A compiled guest, from which any number of isolated instances can be made. One sandbox serves
/// any number of replays.
///
/// ```
/// use host::{sandbox::{Sandbox, SandboxError}, watch::Watch};
///
/// // The guest may not import anything. This module imports a function `now` from `clock`.
/// let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x0d\x01\x05clock\x03now\0\0";
/// let refused = Sandbox::with_module(module, &Watch::default());
/// assert!(matches!(refused, Err(SandboxError::Protocol(why)) if why.contains("clock.now")));
/// ```
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) module: Module,
    pub(super) watch: Watch,
}

impl Sandbox {
    /// Compiles the embedded guest.
    ///
    /// # Errors
    /// The module is not valid in this sandbox, or has an import.
    pub fn new(watch: &Watch) -> Result<Self, SandboxError> {
        Self::with_module(GUEST_WASM, watch)
    }

    /// The watch over all replays in this sandbox.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Like [`Sandbox::new`], but compiles another module. Tests use it to show what is refused.
    ///
    /// # Errors
    /// As for [`Sandbox::new`].
    pub fn with_module(wasm: &[u8], watch: &Watch) -> Result<Self, SandboxError> {
        Self::with_memory(wasm, watch, Reservation::here())
    }

    fn with_memory(wasm: &[u8], watch: &Watch, memory: Reservation) -> Result<Self, SandboxError> {
        let protocol = |e: wasmtime::Error| SandboxError::Protocol(format!("{e:#}"));
        let engine = Engine::new(&config(memory)).map_err(protocol)?;
        let module = Module::from_binary(&engine, wasm).map_err(protocol)?;
        if let Some(import) = module.imports().next() {
            return Err(SandboxError::Protocol(format!(
                "import {}.{}: the guest may not import anything",
                import.module(),
                import.name()
            )));
        }
        let guests = engine.clone();
        // This ends a running call at its next loop iteration or function entry.
        watch.on_stop(move || guests.increment_epoch());
        Ok(Self {
            engine,
            module,
            watch: watch.clone(),
        })
    }
}

/// How many addresses a guest's memory takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reservation {
    /// All that the guest can name, so that no access has to be checked.
    Whole,
    /// Little more than what is used. Every access is checked, and memory that grows beyond it moves.
    Small,
}

impl Reservation {
    /// Addresses that a guest takes with everything around it.
    const WHOLE_BYTES: u64 = 5 << 30;
    const SMALL_BYTES: u64 = 16 << 20;

    /// What the limit on addresses allows here.
    fn here() -> Self {
        let guests = default_threads().get() as u64 + 1;
        let room = Room::now().address_space;
        match room.is_some_and(|room| room < guests.saturating_mul(Self::WHOLE_BYTES)) {
            true => Self::Small,
            false => Self::Whole,
        }
    }
}

fn config(memory: Reservation) -> Config {
    let mut config = Config::new();
    if memory == Reservation::Small {
        config
            .memory_reservation(Reservation::SMALL_BYTES)
            .memory_reservation_for_growth(Reservation::SMALL_BYTES)
            .memory_guard_size(1 << 16)
            .guard_before_linear_memory(false);
    }
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        // Host and guest both reject values that are not finite, so no result depends on a NaN's
        // bits.
        .cranelift_nan_canonicalization(false)
        // Otherwise every sandbox keeps the guest's data in a file in memory, which limits on files
        // concern.
        .memory_init_cow(false)
        // The module is already optimised: optimising again would slow down every start without
        // speeding up any replay.
        .cranelift_opt_level(OptLevel::None)
        .max_wasm_stack(1 << 20);
    config
}
