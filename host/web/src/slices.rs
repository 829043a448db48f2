//! A model file of any size, of which a guest gets ranges.

use std::{cell::RefCell, ops::Range};

use host::sandbox::SandboxError;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, FileReaderSync};

use crate::error::message;

/// A file that a worker reads. A browser refuses to read one that has changed since it was chosen.
pub struct Slices {
    file: Blob,
    reader: FileReaderSync,
    /// Bytes that were fetched beforehand, with the place where they begin.
    fetched: RefCell<Option<(u64, Uint8Array)>>,
}

impl Slices {
    /// Reads from `file`.
    ///
    /// # Errors
    /// This is not a worker.
    pub fn of(file: Blob) -> Result<Self, JsValue> {
        Ok(Self {
            file,
            reader: FileReaderSync::new()?,
            fetched: RefCell::default(),
        })
    }

    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.file.size() as u64
    }

    /// Keeps bytes that were fetched, from `start` on, for the next read.
    pub fn fetch(&self, start: u64, bytes: Uint8Array) {
        *self.fetched.borrow_mut() = Some((start, bytes));
    }

    /// The bytes of a range. All of it exists. What was not fetched beforehand is read now: that suits
    /// small ranges, because a browser frees what was read so only when it sees fit.
    ///
    /// # Errors
    /// The browser cannot read it.
    pub fn read(&self, range: Range<u64>) -> Result<Uint8Array, SandboxError> {
        let is_it = |(start, bytes): &(u64, Uint8Array)| {
            *start == range.start && u64::from(bytes.length()) == range.end - range.start
        };
        if let Some((_, bytes)) = self.fetched.take().filter(is_it) {
            return Ok(bytes);
        }
        let failed = |thrown: JsValue| SandboxError::File(message(&thrown));
        let (start, end) = (range.start as f64, range.end as f64);
        let slice = self.file.slice_with_f64_and_f64(start, end);
        let bytes = self.reader.read_as_array_buffer(&slice.map_err(failed)?);
        Ok(Uint8Array::new(&bytes.map_err(failed)?.into()))
    }
}
