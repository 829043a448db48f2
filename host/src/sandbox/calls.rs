//! Calls into one instance of the guest, with every answer checked. The host copies bytes of the model
//! without interpreting them.

use std::ops::Range;

use super::{abi::Export, error::SandboxError, instance::Instance};

/// A longer error message of the guest is cut.
const MESSAGE_BYTES: u64 = 1024;

/// An instance of the guest and what its calls used.
pub(super) struct Calls<I> {
    instance: I,
    fuel: Option<u64>,
}

impl<I: Instance> Calls<I> {
    pub(super) fn new(instance: I) -> Self {
        Self {
            instance,
            fuel: Some(0),
        }
    }

    /// Fuel used by compute calls so far, where it is counted; loading is not.
    pub(super) fn fuel(&self) -> Option<u64> {
        self.fuel
    }

    /// Bytes of the model file.
    pub(super) fn file_len(&self) -> u64 {
        self.instance.file_len()
    }

    /// The range of the file from `offset` on, if there are `len` bytes.
    pub(super) fn in_file(&self, offset: u64, len: u64) -> Result<Range<u64>, SandboxError> {
        let file_len = self.instance.file_len();
        let end = offset.checked_add(len).filter(|&end| end <= file_len);
        let end = end.ok_or_else(|| {
            SandboxError::Protocol(format!(
                "found a request for {len} bytes at {offset}, allowed up to the end of the file at {file_len}"
            ))
        });
        Ok(offset..end?)
    }

    /// Copies a range of the file, all of which exists, to the address `dest` of the guest.
    pub(super) fn copy_in(&mut self, range: Range<u64>, dest: i64) -> Result<(), SandboxError> {
        let at = self.address(dest, range.end - range.start)?;
        self.instance.copy_in(range, at)
    }

    /// `n` numbers at the address `at`.
    pub(super) fn f32s(&mut self, at: i64, n: u64) -> Result<Vec<f32>, SandboxError> {
        let bytes = self.bytes(at, n.saturating_mul(4))?;
        let bits = bytes.as_chunks::<4>().0.iter();
        Ok(bits
            .map(|&b| f32::from_bits(u32::from_le_bytes(b)))
            .collect())
    }

    /// `len` bytes at the address `at`.
    pub(super) fn bytes(&mut self, at: i64, len: u64) -> Result<Vec<u8>, SandboxError> {
        let at = self.address(at, len)?;
        let mut bytes = vec![0; len as usize];
        self.instance.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Replaces the numbers at the address `at`.
    pub(super) fn set_f32s(&mut self, at: i64, values: &[f32]) -> Result<(), SandboxError> {
        let at = self.address(at, values.len() as u64 * 4)?;
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|x| x.to_bits().to_le_bytes())
            .collect();
        self.instance.write(at, &bytes)
    }

    /// The address `at`, if there are `len` bytes of memory.
    fn address(&mut self, at: i64, len: u64) -> Result<u64, SandboxError> {
        let size = self.instance.memory_len();
        let start = u64::try_from(at).ok();
        let fits = |start: &u64| start.checked_add(len).is_some_and(|end| end <= size);
        start.filter(fits).ok_or_else(|| {
            SandboxError::Protocol(format!(
                "found {len} bytes at address {at}, allowed up to the end of memory at {size}"
            ))
        })
    }

    /// Calls `export` for a position and counts the fuel.
    pub(super) fn compute(&mut self, export: Export, position: usize) -> Result<(), SandboxError> {
        let status = self.call(export, &[position as i64])?;
        let used = self.instance.fuel();
        self.fuel = self.fuel.zip(used).map(|(sum, used)| sum + used);
        self.check(status)
    }

    pub(super) fn status(&mut self, export: Export, args: &[i64]) -> Result<(), SandboxError> {
        let status = self.call(export, args)?;
        self.check(status)
    }

    /// Calls `export`, which returns a value or a negated status.
    pub(super) fn value(&mut self, export: Export, args: &[i64]) -> Result<i64, SandboxError> {
        match self.call(export, args)? {
            negated if negated < 0 => Err(self.failure(negated.saturating_neg())),
            value => Ok(value),
        }
    }

    /// Calls `export`.
    pub(super) fn call(&mut self, export: Export, args: &[i64]) -> Result<i64, SandboxError> {
        self.instance.call(export, args)
    }

    fn check(&mut self, status: i64) -> Result<(), SandboxError> {
        match status {
            0 => Ok(()),
            status => Err(self.failure(status)),
        }
    }

    fn failure(&mut self, status: i64) -> SandboxError {
        let message = self.error_message().unwrap_or_else(|| "no message".into());
        if let (3 | 5, Some(why)) = (status, self.instance.refused_memory()) {
            return SandboxError::Memory(why);
        }
        match status {
            1 | 2 => SandboxError::Refused(message),
            5 => SandboxError::TooLarge(message),
            4 => SandboxError::NonFinite(message),
            _ => SandboxError::Protocol(message),
        }
    }

    fn error_message(&mut self) -> Option<String> {
        let at = self.call(Export::ErrorPtr, &[]).ok()?;
        let len = self.call(Export::ErrorLen, &[]).ok()?;
        let len = len.cast_unsigned().min(MESSAGE_BYTES);
        let bytes = self.bytes(at, len).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}
