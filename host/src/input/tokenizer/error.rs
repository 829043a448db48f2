//! The keys of a tokenizer's metadata, and the errors for invalid values.

/// The name of a key, for messages.
pub(super) type Key = &'static str;

pub(super) const MODEL: Key = "tokenizer.ggml.model";
pub(super) const PRE: Key = "tokenizer.ggml.pre";
pub(super) const TOKENS: Key = "tokenizer.ggml.tokens";
pub(super) const SCORES: Key = "tokenizer.ggml.scores";
pub(super) const TOKEN_TYPE: Key = "tokenizer.ggml.token_type";
pub(super) const MERGES: Key = "tokenizer.ggml.merges";
pub(super) const BOS_TOKEN_ID: Key = "tokenizer.ggml.bos_token_id";
pub(super) const EOS_TOKEN_ID: Key = "tokenizer.ggml.eos_token_id";
pub(super) const EOT_TOKEN_ID: Key = "tokenizer.ggml.eot_token_id";
pub(super) const ADD_SPACE_PREFIX: Key = "tokenizer.ggml.add_space_prefix";

/// The most entries of `tokens` and `merges`: far more than any known vocabulary has.
pub(super) const MAX_ENTRIES: usize = 1 << 22;

/// The most bytes of a token. Bounds the work per character of a text.
pub(super) const MAX_TOKEN_BYTES: usize = 4096;

/// Why no tokenizer can be made from a file's metadata.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum TokenizerError {
    /// A required key is missing.
    #[error("{key} is missing: {needed_by}")]
    Missing { key: Key, needed_by: &'static str },
    /// The value is not one of the supported ones.
    #[error("{key}: {found:?} is not supported, allowed: {allowed}")]
    Unsupported {
        key: Key,
        found: String,
        allowed: String,
    },
    /// Two arrays that belong together differ in length.
    #[error("{key} has {found} entries, {TOKENS} has {n_tokens}")]
    Length {
        key: Key,
        found: usize,
        n_tokens: usize,
    },
    /// An array is too long.
    #[error("{key} has {found} entries, allowed: at most {MAX_ENTRIES}")]
    TooMany { key: Key, found: usize },
    /// An element of an array is invalid.
    #[error("{key}[{index}]: {problem}")]
    Element {
        key: Key,
        index: usize,
        problem: String,
    },
    /// A token id is beyond the vocabulary.
    #[error("{key}: {found} is not a token id, allowed: less than {n_tokens}")]
    Id {
        key: Key,
        found: u32,
        n_tokens: usize,
    },
}

impl TokenizerError {
    pub(super) fn element(key: Key, index: usize, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Element {
            key,
            index,
            problem,
        }
    }
}

/// A string of the file for a message: escaped, and shortened if it is long.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The byte string as text.
///
/// # Errors
/// The bytes are not UTF-8.
pub(super) fn utf8(key: Key, index: usize, bytes: &[u8]) -> Result<&str, TokenizerError> {
    str::from_utf8(bytes).map_err(|_| TokenizerError::element(key, index, "is not UTF-8"))
}
