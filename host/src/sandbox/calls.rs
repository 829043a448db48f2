//! Calls into one instance of the guest. Every resource is bounded and fuel is counted; the host
//! copies bytes of the model without interpreting them.

use wasmtime::{Instance, Store, Trap, TypedFunc, WasmParams, WasmResults};

use super::{
    abi::{Exports, GuestStore},
    bounds::Bounds,
    compiled::Sandbox,
    error::SandboxError,
};
use crate::watch::Watch;

/// Fuel for one call. A call that needs more is stuck in an endless loop.
const FUEL_PER_CALL: u64 = 1 << 44;

/// A longer error message of the guest is cut.
const MESSAGE_BYTES: u64 = 1024;

/// One instance of the guest.
pub(super) struct Calls {
    store: GuestStore,
    exports: Exports,
    watch: Watch,
    fuel: u64,
}

impl Calls {
    pub(super) fn new(sandbox: &Sandbox) -> Result<Self, SandboxError> {
        let mut store = Store::new(&sandbox.engine, Bounds::new());
        store.limiter(|bounds| bounds);
        store.set_epoch_deadline(1);
        let failed = |e: wasmtime::Error| SandboxError::Trap(format!("{e:#}"));
        store.set_fuel(FUEL_PER_CALL).map_err(failed)?;
        let instance = Instance::new(&mut store, &sandbox.module, &[]);
        // What fails besides traps and bounds is what the machine does not give.
        let instance =
            instance.map_err(|e| match e.is::<Trap>() || store.data().is_exceeded() {
                true => failed(e),
                false => SandboxError::Memory(format!("{e:#}")),
            })?;
        Ok(Self {
            exports: Exports::of(&instance, &mut store)?,
            store,
            watch: sandbox.watch.clone(),
            fuel: 0,
        })
    }

    /// Fuel used by compute calls so far; loading is not counted.
    pub(super) fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Copies the range `(offset, len)` of the file to the address `dest` of the guest.
    pub(super) fn copy_in(
        &mut self,
        file: &[u8],
        (offset, len): (u64, u64),
        dest: i64,
    ) -> Result<(), SandboxError> {
        let end = offset.checked_add(len);
        let Some(end) = end.filter(|&end| end <= file.len() as u64) else {
            return Err(SandboxError::Protocol(format!(
                "found a request for {len} bytes at {offset}, allowed up to the end of the file at {}",
                file.len()
            )));
        };
        self.bytes_mut(dest, len)?
            .copy_from_slice(&file[offset as usize..end as usize]);
        Ok(())
    }

    pub(super) fn f32s(&mut self, at: i64, n: u64) -> Result<Vec<f32>, SandboxError> {
        let bytes = self.bytes_mut(at, n.saturating_mul(4))?;
        let bits = bytes.as_chunks::<4>().0.iter();
        Ok(bits
            .map(|&b| f32::from_bits(u32::from_le_bytes(b)))
            .collect())
    }

    pub(super) fn bytes_mut(&mut self, at: i64, len: u64) -> Result<&mut [u8], SandboxError> {
        let data = self.exports.memory.data_mut(&mut self.store);
        let size = data.len();
        usize::try_from(at)
            .ok()
            .zip(usize::try_from(len).ok())
            .and_then(|(at, len)| data.get_mut(at..at.checked_add(len)?))
            .ok_or_else(|| {
                SandboxError::Protocol(format!(
                    "found {len} bytes at address {at}, allowed up to the end of memory at {size}"
                ))
            })
    }

    /// Calls `f` for a position and counts the fuel.
    pub(super) fn compute(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<(i64,), i32>,
        position: usize,
    ) -> Result<(), SandboxError> {
        let status = self.call(f, (position as i64,))?;
        let left = self.store.get_fuel().unwrap_or(0);
        self.fuel += FUEL_PER_CALL - left;
        self.check(i64::from(status))
    }

    pub(super) fn status<P: WasmParams>(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<P, i32>,
        params: P,
    ) -> Result<(), SandboxError> {
        let status = self.call(f, params)?;
        self.check(i64::from(status))
    }

    /// Calls `f`, which returns a value or a negated status.
    pub(super) fn value<P: WasmParams>(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<P, i64>,
        params: P,
    ) -> Result<i64, SandboxError> {
        match self.call(f, params)? {
            negated if negated < 0 => Err(self.failure(negated.saturating_neg())),
            value => Ok(value),
        }
    }

    fn check(&mut self, status: i64) -> Result<(), SandboxError> {
        match status {
            0 => Ok(()),
            status => Err(self.failure(status)),
        }
    }

    fn failure(&mut self, status: i64) -> SandboxError {
        let message = self.error_message().unwrap_or_else(|| "no message".into());
        if let (3 | 5, Some(why)) = (status, self.store.data().refused()) {
            return SandboxError::Memory(why.to_owned());
        }
        match status {
            1 | 2 => SandboxError::Refused(message),
            5 => SandboxError::TooLarge(message),
            4 => SandboxError::NonFinite(message),
            _ => SandboxError::Protocol(message),
        }
    }

    fn error_message(&mut self) -> Option<String> {
        let at = self.call(|e| &e.error_ptr, ()).ok()?;
        let len = self.call(|e| &e.error_len, ()).ok()?;
        let len = len.cast_unsigned().min(MESSAGE_BYTES);
        let bytes = self.bytes_mut(at, len).ok()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        f: fn(&Exports) -> &TypedFunc<P, R>,
        params: P,
    ) -> Result<R, SandboxError> {
        if self.watch.is_stopped() {
            return Err(SandboxError::Interrupted);
        }
        let trapped = |e: wasmtime::Error| match e.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => SandboxError::Interrupted,
            Some(trap) => SandboxError::Trap(trap.to_string()),
            None => SandboxError::Trap(format!("{e:#}")),
        };
        self.store.set_fuel(FUEL_PER_CALL).map_err(trapped)?;
        f(&self.exports)
            .call(&mut self.store, params)
            .map_err(trapped)
    }
}
