//! Why a text has no tokens.

/// Why a text cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum EncodeError {
    /// The vocabulary is incomplete: there is a byte that no token stands for.
    #[error("the vocabulary has no token for byte 0x{byte:02X} of the text")]
    NoToken { byte: u8 },
    /// The search for words gave up: it goes back over white space character by character.
    #[error("the text has too long a run of white space, allowed: just under 1,000,000 characters")]
    WhiteSpace,
}
