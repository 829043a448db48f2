//! Errors of the GGUF parser.

/// Why bytes are not a usable GGUF file.
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
    /// A count or length exceeds its limit in [`caps`](super::caps).
    #[error("{what}: found {found}, allowed at most {allowed}")]
    #[allow(missing_docs)]
    Limit {
        what: String,
        found: u64,
        allowed: u64,
    },
    /// A key, a name or a string that is used is not UTF-8.
    #[error("{what}: not UTF-8 at byte {at}")]
    #[allow(missing_docs)]
    NotUtf8 { what: String, at: usize },
    /// A key or a tensor name appears twice.
    #[error("{what} appears twice")]
    #[allow(missing_docs)]
    Duplicate { what: String },
    /// A value breaks a rule of the format.
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
