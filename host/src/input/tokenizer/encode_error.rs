//! Why a text cannot be encoded.

/// Why a text cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum EncodeError {
    /// The vocabulary is incomplete: no token stands for this byte.
    #[error("the vocabulary has no token for byte 0x{byte:02X} of the text")]
    NoToken { byte: u8 },
    /// The search for words gave up: its regular expression backtracks over white space, one
    /// character at a time.
    #[error("the text has too long a run of white space, allowed: just under 1,000,000 characters")]
    WhiteSpace,
}
