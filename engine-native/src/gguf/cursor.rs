//! Bounds-checked reads from untrusted bytes. Nothing is allocated before the bytes that fill it
//! are known to exist.

use super::GgufError;

/// A forward-only reader over the file's bytes.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    pub(super) fn take(&mut self, n: u64, what: &str) -> Result<&'a [u8], GgufError> {
        let taken = usize::try_from(n).ok().filter(|&n| n <= self.remaining());
        let Some(n) = taken else {
            return Err(GgufError::Truncated {
                what: what.to_owned(),
                offset: self.position as u64,
                needed: n,
                found: self.remaining() as u64,
            });
        };
        let slice = &self.bytes[self.position..self.position + n];
        self.position += n;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64, what)?);
        Ok(out)
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8, GgufError> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Reads a length-prefixed UTF-8 string of at most `max` bytes.
    pub(super) fn string(&mut self, what: &str, max: u64) -> Result<&'a str, GgufError> {
        let len = self.u64(what)?;
        if len > max {
            return Err(GgufError::limit(format!("length of {what}"), len, max));
        }
        let bytes = self.take(len, what)?;
        std::str::from_utf8(bytes).map_err(|e| GgufError::NotUtf8 {
            what: what.to_owned(),
            at: e.valid_up_to(),
        })
    }
}
