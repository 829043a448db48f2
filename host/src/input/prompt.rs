//! The prompt of a run: where it comes from, and its ids.

use engine_native::{Model, gguf::GgufError};

use crate::{
    digest::Digest,
    input::{
        tokenizer::EncodeError, tokenizer::EncodeOptions, tokenizer::Tokenizer,
        tokenizer::TokenizerError, tokenizer::TokenizerMetadata, tokenizer::ends_in,
    },
    receipt::PromptSource,
    task::{Challenge, seeded_prompt},
};

/// A prompt as the user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// Derived from a seed, as `NUMERICS.md` defines. A verifier can derive it again.
    Seeded {
        /// The seed.
        seed: u64,
        /// Number of ids.
        count: usize,
        /// A challenge, mixed into the seed.
        challenge: Option<Challenge>,
    },
    /// Token ids.
    Ids(Vec<u32>),
    /// A plain text. The spelling of a control token in it is ordinary text.
    Text(String),
}

/// Why a text cannot be turned into ids.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// A metadata key of the tokenizer has the wrong type.
    #[error("{0}")]
    Key(#[from] GgufError),
    /// The file has no supported tokenizer.
    #[error(
        "{0}; `benchmark` can run this model without a text: give token ids with --prompt-ids, or a seed with --seed"
    )]
    Tokenizer(#[from] TokenizerError),
    /// The tokenizer cannot encode the text.
    #[error("prompt: {0}")]
    Encode(#[from] EncodeError),
    /// The tokenizer has more tokens than the model's embedding has rows.
    #[error(
        "tokenizer.ggml.tokens: found {found} entries, allowed at most {n_vocab}, the rows of the embedding"
    )]
    #[allow(missing_docs)]
    Vocabulary { found: usize, n_vocab: u64 },
}

impl Prompt {
    /// The ids of the prompt for `model`.
    ///
    /// # Errors
    /// The prompt is a text, and the model's tokenizer is not supported or cannot encode it.
    pub fn ids(&self, model: &Model) -> Result<Vec<u32>, PromptError> {
        match self {
            Self::Seeded {
                seed,
                count,
                challenge,
            } => {
                let n_vocab = model.shape().n_vocab;
                Ok(seeded_prompt(*seed, challenge.as_ref(), *count, n_vocab))
            }
            Self::Ids(ids) => Ok(ids.clone()),
            Self::Text(text) => Ok(tokenizer_of(model)?.encode(text, EncodeOptions::default())?),
        }
    }

    /// The challenge, if any. Only seeded prompts have one: any other prompt may be older than it.
    pub fn challenge(&self) -> Option<&Challenge> {
        match self {
            Self::Seeded { challenge, .. } => challenge.as_ref(),
            Self::Ids(_) | Self::Text(_) => None,
        }
    }

    /// The source of the prompt as receipts describe it.
    pub fn source(&self) -> PromptSource {
        match self {
            Self::Seeded { seed, count, .. } => PromptSource::Seeded {
                seed: *seed,
                count: *count as u64,
            },
            Self::Ids(_) => PromptSource::Ids,
            Self::Text(text) => PromptSource::Text {
                sha256: Digest::of(text.as_bytes()),
            },
        }
    }
}

/// The ids that end a text, as the model file names and spells them, ascending; none where it has no tokenizer.
pub fn ends_of(model: &Model) -> Vec<u32> {
    ends_in(model.metadata(), model.file_bytes())
}

/// Reads the tokenizer from the metadata of a model file.
///
/// # Errors
/// There is no tokenizer, or it is not supported.
pub fn tokenizer_of(model: &Model) -> Result<Tokenizer, PromptError> {
    let metadata = TokenizerMetadata::read(model.metadata(), model.file_bytes())?;
    let tokenizer = Tokenizer::from_metadata(&metadata)?;
    let n_vocab = model.shape().n_vocab;
    // For alignment, an embedding may have more rows than there are tokens, but never fewer.
    if tokenizer.n_vocab() as u64 > n_vocab {
        return Err(PromptError::Vocabulary {
            found: tokenizer.n_vocab(),
            n_vocab,
        });
    }
    Ok(tokenizer)
}
