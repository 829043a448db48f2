//! Reads the GGUF container: metadata keys and tensor infos, from untrusted bytes.
//!
//! Layout: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Versions 2 and 3, little
//! endian. What a key or tensor means for a model is decided in [`crate::model`].

mod cursor;
mod metadata;
mod tensor_type;
mod tensors;

pub use metadata::{Array, Metadata, Value};
pub(crate) use tensor_type::I2S_TRAILER_BYTES;
pub use tensor_type::TensorType;
pub use tensors::TensorInfo;

use cursor::Cursor;

/// Named limits on what a header may ask for. Real files stay far below them.
pub mod caps {
    /// Metadata keys in one file.
    pub const KEYS: u64 = 65_536;
    /// Tensors in one file.
    pub const TENSORS: u64 = 65_536;
    /// Bytes of metadata and tensor infos together.
    pub const HEADER_BYTES: u64 = 256 << 20;
    /// Bytes of one key.
    pub const KEY_BYTES: u64 = 65_535;
    /// Bytes of one tensor name.
    pub const NAME_BYTES: u64 = 64;
    /// Bytes of one string value.
    pub const STRING_BYTES: u64 = 16 << 20;
    /// Arrays inside arrays.
    pub const ARRAY_DEPTH: u32 = 4;
    /// Dimensions of one tensor.
    pub const DIMS: u32 = 4;
    /// `general.alignment`.
    pub const ALIGNMENT: u64 = 65_536;
}

/// Why the bytes are not a GGUF file that can be used.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum GgufError {
    /// The file ends too early.
    #[error(
        "{what}: needs {needed} bytes at offset {offset}, found {found}; the file is truncated or not a GGUF file"
    )]
    #[allow(missing_docs)]
    Truncated {
        what: String,
        offset: u64,
        needed: u64,
        found: u64,
    },
    /// The magic number is not `GGUF`.
    #[error("magic: found {found:02x?}, allowed 47 47 55 46 (\"GGUF\")")]
    #[allow(missing_docs)]
    Magic { found: [u8; 4] },
    /// Version 1, a future version, or a big-endian file.
    #[error("version: found {found}, allowed 2 or 3, little endian{hint}")]
    #[allow(missing_docs)]
    Version { found: u32, hint: &'static str },
    /// A count or length above its cap in [`caps`].
    #[error("{what}: found {found}, allowed at most {allowed}")]
    #[allow(missing_docs)]
    Limit {
        what: String,
        found: u64,
        allowed: u64,
    },
    /// A key or name is not UTF-8.
    #[error("{what}: not UTF-8 at byte {at}")]
    #[allow(missing_docs)]
    NotUtf8 { what: String, at: usize },
    /// The same key or tensor name twice.
    #[error("{what} appears twice")]
    #[allow(missing_docs)]
    Duplicate { what: String },
    /// A value that breaks a rule of the format.
    #[error("{what}: found {found}, allowed {allowed}")]
    #[allow(missing_docs)]
    Invalid {
        what: String,
        found: String,
        allowed: String,
    },
}

impl GgufError {
    pub(crate) fn limit(what: String, found: u64, allowed: u64) -> Self {
        Self::Limit {
            what,
            found,
            allowed,
        }
    }

    pub(crate) fn invalid(
        what: impl Into<String>,
        found: impl ToString,
        allowed: impl ToString,
    ) -> Self {
        Self::Invalid {
            what: what.into(),
            found: found.to_string(),
            allowed: allowed.to_string(),
        }
    }
}

/// A parsed header. Tensor ranges are within the file and do not overlap.
#[derive(Debug)]
pub struct Gguf {
    /// Format version, 2 or 3.
    pub version: u32,
    /// All keys.
    pub metadata: Metadata,
    /// All tensors, in file order.
    pub tensors: Vec<TensorInfo>,
}

impl Gguf {
    /// Parses the header of `file`, the bytes of a whole GGUF file.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    pub fn parse(file: &[u8]) -> Result<Self, GgufError> {
        let mut cursor = Cursor::new(&file[..file.len().min(caps::HEADER_BYTES as usize)]);
        let version = read_version(&mut cursor)?;
        let n_tensors = read_count(&mut cursor, "tensor count", caps::TENSORS)?;
        let n_keys = read_count(&mut cursor, "key count", caps::KEYS)?;
        let metadata = Metadata::read(&mut cursor, n_keys)?;
        let tensors = tensors::read(&mut cursor, n_tensors, &metadata, file.len() as u64)?;
        Ok(Self {
            version,
            metadata,
            tensors,
        })
    }
}

fn read_version(cursor: &mut Cursor) -> Result<u32, GgufError> {
    let magic = cursor.u32("magic")?.to_le_bytes();
    if &magic != b"GGUF" {
        return Err(GgufError::Magic { found: magic });
    }
    match cursor.u32("version")? {
        version @ (2 | 3) => Ok(version),
        found => Err(GgufError::Version {
            found,
            hint: if matches!(found.swap_bytes(), 2 | 3) {
                " (this is a big-endian file)"
            } else {
                ""
            },
        }),
    }
}

fn read_count(cursor: &mut Cursor, what: &str, allowed: u64) -> Result<u64, GgufError> {
    match cursor.u64(what)? {
        found if found > allowed => Err(GgufError::limit(what.to_owned(), found, allowed)),
        count => Ok(count),
    }
}
