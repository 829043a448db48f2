//! A reader of the first bytes of a file. It distinguishes "not here yet" from "not in the file".

use alloc::format;
use alloc::string::String;

use crate::error::Error;

/// Most bytes that metadata and tensor infos may take.
pub const MAX_HEADER_BYTES: u64 = 256 << 20;

/// Why reading stopped.
#[derive(Debug)]
pub enum Stop {
    /// The header goes on: come back with at least this many bytes of the file.
    NeedMore(u64),
    /// The file is refused.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

/// The file contradicts the format.
pub fn malformed(message: String) -> Stop {
    Stop::Failed(Error::Malformed(message))
}

/// Position within the first bytes of a file.
pub struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    file_len: u64,
}

impl<'a> Cursor<'a> {
    /// Starts at offset 0 of a file of `file_len` bytes, of which `bytes` are the first.
    pub fn new(bytes: &'a [u8], file_len: u64) -> Self {
        Self {
            bytes,
            position: 0,
            file_len,
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position as u64
    }

    /// The next `len` bytes; `what` names them in the error.
    pub fn take(&mut self, len: u64, what: &'static str) -> Result<&'a [u8], Stop> {
        let left = self.file_len.saturating_sub(self.position());
        if len > left {
            return Err(Stop::Failed(Error::Malformed(format!(
                "file: {what} at byte {} takes {len} bytes; the file ends after {left}",
                self.position
            ))));
        }
        let end = self.position() + len;
        if end > MAX_HEADER_BYTES {
            return Err(Stop::Failed(Error::TooLarge(format!(
                "file: {what} ends at byte {end}; metadata and tensor infos may take \
                 {MAX_HEADER_BYTES} bytes"
            ))));
        }
        let rest = &self.bytes[self.position..];
        let taken = usize::try_from(len).ok().and_then(|len| rest.get(..len));
        let taken = taken.ok_or(Stop::NeedMore(end))?;
        self.position += taken.len();
        Ok(taken)
    }

    /// The next N bytes.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Stop> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    /// The next little-endian u32.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, Stop> {
        self.array(what).map(u32::from_le_bytes)
    }

    /// The next little-endian u64.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, Stop> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A string: u64 length, at most `max` bytes, valid UTF-8.
    pub fn string(&mut self, what: &'static str, max: u64) -> Result<String, Stop> {
        let len = self.u64(what)?;
        if len > max {
            return Err(Stop::Failed(Error::TooLarge(format!(
                "file: {what} at byte {} has {len} bytes; at most {max} are allowed",
                self.position
            ))));
        }
        let start = self.position;
        match core::str::from_utf8(self.take(len, what)?) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(Stop::Failed(Error::Malformed(format!(
                "file: {what} at byte {start} is not UTF-8"
            )))),
        }
    }
}
