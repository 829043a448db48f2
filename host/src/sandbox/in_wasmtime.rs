//! An instance of the guest in wasmtime. Every resource is bounded and fuel is counted.

use std::ops::Range;

use engine_native::{I2sLayout, Model};
use wasmtime::{Func, FuncType, Memory, Store, Trap, Val, ValType};

use super::{
    abi::{Export, Int},
    bounds::Bounds,
    compiled::Sandbox,
    error::SandboxError,
    guest::Guest,
    instance::Instance,
};
use crate::watch::Watch;

/// Fuel for one call. A call that needs more is stuck in an endless loop.
const FUEL_PER_CALL: u64 = 1 << 44;

/// The model as a guest gets it: the file, and the one setting that is not in the file.
#[derive(Debug, Clone, Copy)]
pub struct ModelInput<'f> {
    /// The whole file.
    pub file: &'f [u8],
    /// How I2_S tensors are laid out, if there are any.
    pub i2s_layout: I2sLayout,
}

impl<'f> From<&'f Model> for ModelInput<'f> {
    fn from(model: &'f Model) -> Self {
        Self {
            file: model.file_bytes(),
            i2s_layout: model.i2s_layout().unwrap_or_default(),
        }
    }
}

impl Sandbox {
    /// Makes a new instance of the guest and lets it parse the header of the file.
    ///
    /// # Errors
    /// The guest rejects the file.
    pub fn open<'f>(&self, model: ModelInput<'f>) -> Result<Guest<InSandbox<'f>>, SandboxError> {
        Guest::open(InSandbox::new(self, model.file)?, model.i2s_layout)
    }
}

/// An instance of the guest in the sandbox.
pub struct InSandbox<'f> {
    store: Store<Bounds>,
    memory: Memory,
    /// In the order of [`Export::ALL`].
    functions: Vec<Func>,
    watch: Watch,
    file: &'f [u8],
}

impl<'f> InSandbox<'f> {
    /// Makes a new instance, with this model file.
    ///
    /// # Errors
    /// The guest has not the exports that the host calls, or the machine has no memory for it.
    pub fn new(sandbox: &Sandbox, file: &'f [u8]) -> Result<Self, SandboxError> {
        let mut store = Store::new(&sandbox.engine, Bounds::new());
        store.limiter(|bounds| bounds);
        store.set_epoch_deadline(1);
        let failed = |e: wasmtime::Error| SandboxError::Trap(format!("{e:#}"));
        store.set_fuel(FUEL_PER_CALL).map_err(failed)?;
        let instance = wasmtime::Instance::new(&mut store, &sandbox.module, &[]);
        // What fails besides traps and bounds is what the machine does not give.
        let instance =
            instance.map_err(|e| match e.is::<Trap>() || store.data().is_exceeded() {
                true => failed(e),
                false => SandboxError::Memory(format!("{e:#}")),
            })?;
        let missing = |name: &str| SandboxError::Protocol(format!("no export {name}"));
        let memory = instance.get_memory(&mut store, "memory");
        let memory = memory.ok_or_else(|| missing("memory"))?;
        let functions = Export::ALL.iter().map(|&export| {
            let function = instance.get_func(&mut store, export.name());
            let function = function.filter(|f| is_of_type(&f.ty(&store), export));
            function.ok_or_else(|| missing(export.name()))
        });
        let functions = functions.collect::<Result<_, _>>()?;
        Ok(Self {
            store,
            memory,
            functions,
            watch: sandbox.watch.clone(),
            file,
        })
    }
}

/// Whether a function has the types of `export`.
fn is_of_type(found: &FuncType, export: Export) -> bool {
    let is = |found: ValType, int: &Int| match int {
        Int::I32 => found.is_i32(),
        Int::I64 => found.is_i64(),
    };
    let all = |found: &mut dyn ExactSizeIterator<Item = ValType>, ints: &[Int]| {
        found.len() == ints.len() && found.zip(ints).all(|(found, int)| is(found, int))
    };
    all(&mut found.params(), export.params()) && all(&mut found.results(), &[export.result()])
}

impl Instance for InSandbox<'_> {
    fn call(&mut self, export: Export, args: &[i64]) -> Result<i64, SandboxError> {
        if self.watch.is_stopped() {
            return Err(SandboxError::Interrupted);
        }
        let trapped = |e: wasmtime::Error| match e.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => SandboxError::Interrupted,
            Some(trap) => SandboxError::Trap(trap.to_string()),
            None => SandboxError::Trap(format!("{e:#}")),
        };
        self.store.set_fuel(FUEL_PER_CALL).map_err(trapped)?;
        let mut values = [const { Val::I32(0) }; 3];
        for ((value, &arg), int) in values.iter_mut().zip(args).zip(export.params()) {
            *value = match int {
                Int::I32 => Val::I32(arg as i32),
                Int::I64 => Val::I64(arg),
            };
        }
        let mut result = [Val::I32(0)];
        self.functions[export as usize]
            .call(&mut self.store, &values[..args.len()], &mut result)
            .map_err(trapped)?;
        Ok(match result[0] {
            Val::I64(value) => value,
            ref value => value.unwrap_i32().into(),
        })
    }

    fn memory_len(&mut self) -> u64 {
        self.memory.data_size(&self.store) as u64
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<(), SandboxError> {
        let read = self.memory.read(&self.store, at as usize, into);
        read.map_err(|e| SandboxError::Protocol(e.to_string()))
    }

    fn write(&mut self, at: u64, from: &[u8]) -> Result<(), SandboxError> {
        let written = self.memory.write(&mut self.store, at as usize, from);
        written.map_err(|e| SandboxError::Protocol(e.to_string()))
    }

    fn file_len(&self) -> u64 {
        self.file.len() as u64
    }

    fn copy_in(&mut self, range: Range<u64>, at: u64) -> Result<(), SandboxError> {
        let file = self.file;
        self.write(at, &file[range.start as usize..range.end as usize])
    }

    fn fuel(&mut self) -> Option<u64> {
        let left = self.store.get_fuel().unwrap_or(0);
        Some(FUEL_PER_CALL - left)
    }

    fn refused_memory(&self) -> Option<String> {
        self.store.data().refused().map(str::to_owned)
    }
}
