//! An instance of the guest in the browser's WebAssembly.

use std::{ops::Range, rc::Rc};

use host::{
    guest::MEMORY_LIMIT,
    sandbox::{Export, Instance, Int, SandboxError},
};
use js_sys::{
    Array, Function, Object, Reflect, Uint8Array,
    WebAssembly::{self, Memory, Module},
};
use wasm_bindgen::{JsCast, JsValue};

use crate::{error::message, slices::Slices};

/// Bytes of a page of memory.
const PAGE: u64 = 1 << 16;

/// An instance of the guest in the browser. It counts no fuel.
pub struct InBrowser {
    memory: Memory,
    /// In the order of [`Export::ALL`].
    functions: Vec<Function>,
    file: Rc<Slices>,
}

impl InBrowser {
    /// Makes an instance of `module` with a model file.
    ///
    /// # Errors
    /// The module has an import, lacks an export, or the browser has no memory for it.
    pub fn new(module: &Module, file: Rc<Slices>) -> Result<Self, SandboxError> {
        if Module::imports(module).length() != 0 {
            let why = "the guest may not import anything";
            return Err(SandboxError::Protocol(why.into()));
        }
        let instance = WebAssembly::Instance::new(module, &Object::new());
        let instance = instance.map_err(|thrown| SandboxError::Memory(message(&thrown)))?;
        let exports = instance.exports();
        let export = |name: &str| {
            let missing = || SandboxError::Protocol(format!("no export {name}"));
            Reflect::get(&exports, &name.into()).map_err(|_| missing())
        };
        let wrong = |_| SandboxError::Protocol("an export of another type".into());
        let functions = Export::ALL.iter().map(|of| {
            let function = export(of.name())?;
            function.dyn_into::<Function>().map_err(wrong)
        });
        Ok(Self {
            functions: functions.collect::<Result<_, _>>()?,
            memory: export("memory")?.dyn_into().map_err(wrong)?,
            file,
        })
    }

    /// The guest's memory from `at` on. Growing makes it another one, so nobody keeps it.
    fn view(&self, at: u64, len: u64) -> Uint8Array {
        let (at, len) = (at as u32, len as u32);
        Uint8Array::new_with_byte_offset_and_length(&self.memory.buffer(), at, len)
    }

    fn len(&self) -> u64 {
        let buffer = self.memory.buffer();
        u64::from(buffer.unchecked_ref::<js_sys::ArrayBuffer>().byte_length())
    }
}

impl Instance for InBrowser {
    fn call(&mut self, export: Export, args: &[i64]) -> Result<i64, SandboxError> {
        let trapped = |thrown: JsValue| SandboxError::Trap(message(&thrown));
        let list = Array::new();
        for (&arg, int) in args.iter().zip(export.params()) {
            list.push(&match int {
                Int::I32 => JsValue::from(arg as i32),
                Int::I64 => JsValue::from(arg),
            });
        }
        let function = &self.functions[export as usize];
        let result = function.apply(&JsValue::UNDEFINED, &list);
        let result = result.map_err(trapped)?;
        if self.len() > MEMORY_LIMIT as u64 {
            let why = format!("the guest took more than {MEMORY_LIMIT} bytes of memory");
            return Err(SandboxError::Trap(why));
        }
        let result = match export.result() {
            Int::I32 => result.as_f64().map(|result| result as i64),
            Int::I64 => i64::try_from(result).ok(),
        };
        let other = || SandboxError::Protocol(format!("{}: another result", export.name()));
        result.ok_or_else(other)
    }

    fn memory_len(&mut self) -> u64 {
        self.len()
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<(), SandboxError> {
        self.view(at, into.len() as u64).copy_to(into);
        Ok(())
    }

    fn write(&mut self, at: u64, from: &[u8]) -> Result<(), SandboxError> {
        self.view(at, from.len() as u64).copy_from(from);
        Ok(())
    }

    fn file_len(&self) -> u64 {
        self.file.len()
    }

    fn copy_in(&mut self, range: Range<u64>, at: u64) -> Result<(), SandboxError> {
        let bytes = self.file.read(range)?;
        self.view(at, bytes.length().into()).set(&bytes, 0);
        Ok(())
    }

    fn fuel(&mut self) -> Option<u64> {
        None
    }

    /// A browser does not say that memory did not grow. So it is asked for the rest of what the guest
    /// may have.
    fn refused_memory(&self) -> Option<String> {
        let pages = (MEMORY_LIMIT as u64).saturating_sub(self.len()) / PAGE;
        let grown = Reflect::get(&self.memory, &"grow".into()).ok()?;
        let grown = grown.dyn_into::<Function>().ok()?;
        let refused = grown.call1(&self.memory, &(pages as f64).into()).err()?;
        Some(message(&refused))
    }
}
