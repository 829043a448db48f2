//! Allocation that fails with an error instead of aborting: sizes come from untrusted files.

use alloc::format;
use alloc::vec::Vec;

use crate::error::{Error, Result};

/// `len` copies of `T::default()`; `what` names the buffer in the error.
///
/// Not inlined: otherwise each of dozens of callers would carry a copy into the module.
#[inline(never)]
pub fn zeroed<T: Clone + Default>(what: &str, len: usize) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| {
        Error::TooLarge(format!(
            "{what}: {len} elements of {} bytes do not fit in memory",
            size_of::<T>()
        ))
    })?;
    buffer.resize(len, T::default());
    Ok(buffer)
}

/// The product of two sizes, or an error that names the buffer.
pub fn product(what: &str, a: usize, b: usize) -> Result<usize> {
    a.checked_mul(b)
        .ok_or_else(|| Error::TooLarge(format!("{what}: {a} x {b} elements cannot be addressed")))
}

/// A 64-bit size from a file as a size in memory.
pub fn address(what: &str, n: u64) -> Result<usize> {
    usize::try_from(n)
        .map_err(|_| Error::TooLarge(format!("{what}: {n} bytes cannot be addressed")))
}
