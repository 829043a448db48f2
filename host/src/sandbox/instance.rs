//! What a WebAssembly engine has to offer for a guest: the seam between wasmtime and browsers.

use std::ops::Range;

use super::{abi::Export, error::SandboxError};

/// One instance of the guest, with a model file behind it. Its callers check every range that the
/// guest names before they pass it on.
pub trait Instance {
    /// Calls an export; there are as many `args` as it has parameters. A 32-bit argument is the low
    /// half of its number, a 32-bit result is widened with its sign.
    ///
    /// # Errors
    /// The guest trapped, or was interrupted.
    fn call(&mut self, export: Export, args: &[i64]) -> Result<i64, SandboxError>;

    /// Bytes of the guest's memory.
    fn memory_len(&mut self) -> u64;

    /// Copies the guest's memory from the address `at` on. All of it exists.
    ///
    /// # Errors
    /// The memory cannot be read.
    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<(), SandboxError>;

    /// Copies `from` to the address `at` of the guest. All of it exists.
    ///
    /// # Errors
    /// The memory cannot be written to.
    fn write(&mut self, at: u64, from: &[u8]) -> Result<(), SandboxError>;

    /// Bytes of the model file.
    fn file_len(&self) -> u64;

    /// Copies a range of the model file to the address `at` of the guest. Both exist.
    ///
    /// # Errors
    /// The file cannot be read.
    fn copy_in(&mut self, range: Range<u64>, at: u64) -> Result<(), SandboxError>;

    /// Fuel of the last call; `None` if it is not counted.
    fn fuel(&mut self) -> Option<u64>;

    /// Why the machine did not give memory that the guest may have, if it did not.
    fn refused_memory(&self) -> Option<String>;
}
