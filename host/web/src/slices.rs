//! A model file of any size, read in slices.

use std::ops::Range;

use host::sandbox::SandboxError;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, FileReaderSync};

use crate::error::message;

/// A file that a worker reads. A browser refuses to read one that has changed since it was chosen.
pub struct Slices {
    file: Blob,
    reader: FileReaderSync,
}

impl Slices {
    /// Reads from `file`.
    ///
    /// # Errors
    /// This is not a worker.
    pub fn of(file: Blob) -> Result<Self, JsValue> {
        let reader = FileReaderSync::new()?;
        Ok(Self { file, reader })
    }

    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.file.size() as u64
    }

    /// The bytes of a range. All of it exists.
    ///
    /// # Errors
    /// The browser cannot read it.
    pub fn read(&self, range: Range<u64>) -> Result<Uint8Array, SandboxError> {
        let failed = |thrown: JsValue| SandboxError::File(message(&thrown));
        let (start, end) = (range.start as f64, range.end as f64);
        let slice = self.file.slice_with_f64_and_f64(start, end);
        let bytes = self.reader.read_as_array_buffer(&slice.map_err(failed)?);
        Ok(Uint8Array::new(&bytes.map_err(failed)?.into()))
    }
}
