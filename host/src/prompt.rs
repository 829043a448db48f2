//! Where the prompt of a run comes from, and its ids.

use engine_native::{Model, gguf::GgufError};
use sha2::{Digest as _, Sha256};

use crate::{
    challenge::Challenge,
    digest::Digest,
    receipt::PromptSource,
    tokenizer::{EncodeError, EncodeOptions, Tokenizer, TokenizerError, TokenizerMetadata},
};

const WARM_UP_TAG: &[u8; 22] = b"bitreceipt/warm-up/v1\0";

/// A prompt as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// Derived from a seed, as the numerics document says: it can be derived again instead of
    /// believed.
    Seeded {
        /// The seed.
        seed: u64,
        /// Number of ids.
        count: usize,
        /// A challenge, mixed into the seed.
        challenge: Option<Challenge>,
    },
    /// Ids.
    Ids(Vec<u32>),
    /// A text, plain: what looks like a special token is not one.
    Text(String),
}

/// Why a text has no ids.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// A key of the tokenizer has another type than it has to have.
    #[error("{0}")]
    Key(#[from] GgufError),
    /// The file has no tokenizer that is supported.
    #[error("{0}; give the prompt as ids with --prompt-ids")]
    Tokenizer(#[from] TokenizerError),
    /// The tokenizer cannot encode the text.
    #[error("prompt: {0}")]
    Encode(#[from] EncodeError),
    /// The tokenizer has another vocabulary than the model.
    #[error(
        "tokenizer.ggml.tokens: found {found} entries, allowed at most {n_vocab}, the rows of the embedding"
    )]
    #[allow(missing_docs)]
    Vocabulary { found: usize, n_vocab: u64 },
}

impl Prompt {
    /// The ids.
    ///
    /// # Errors
    /// A text that the tokenizer of the file cannot encode.
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
            Self::Text(text) => Ok(tokenizer(model)?.encode(text, EncodeOptions::default())?),
        }
    }

    /// The challenge. Only a seeded prompt can have one: others may be older than it.
    pub fn challenge(&self) -> Option<&Challenge> {
        match self {
            Self::Seeded { challenge, .. } => challenge.as_ref(),
            Self::Ids(_) | Self::Text(_) => None,
        }
    }

    /// What a receipt says about it.
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

/// The tokenizer in a model file.
///
/// # Errors
/// There is none, or none that is supported.
pub fn tokenizer(model: &Model) -> Result<Tokenizer, PromptError> {
    let (keys, file) = (model.metadata(), model.file_bytes());
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let id = |name: &str| -> Result<Option<u32>, GgufError> {
        let id = keys.unsigned(&key(name))?;
        // No vocabulary has an id above 2^32: what does not fit is out of range either way.
        Ok(id.map(|id| u32::try_from(id).unwrap_or(u32::MAX)))
    };
    let tokenizer = Tokenizer::from_metadata(&TokenizerMetadata {
        model: keys.string(&key("model"))?,
        pre: keys.string(&key("pre"))?,
        tokens: keys.strings(&key("tokens"), file)?.unwrap_or_default(),
        scores: keys.f32s(&key("scores"), file)?,
        token_types: keys.i32s(&key("token_type"), file)?,
        merges: keys.strings(&key("merges"), file)?,
        bos_token_id: id("bos_token_id")?,
        eos_token_id: id("eos_token_id")?,
        eot_token_id: id("eot_token_id")?,
        add_bos_token: keys.bool(&key("add_bos_token"))?,
        add_eos_token: keys.bool(&key("add_eos_token"))?,
        add_space_prefix: keys.bool(&key("add_space_prefix"))?,
    })?;
    let n_vocab = model.shape().n_vocab;
    // An embedding may have more rows than there are tokens, for alignment; never fewer.
    if tokenizer.n_vocab() as u64 > n_vocab {
        return Err(PromptError::Vocabulary {
            found: tokenizer.n_vocab(),
            n_vocab,
        });
    }
    Ok(tokenizer)
}

/// Prompt ids `0..n` of `seed` and a challenge: splitmix64, modulo the vocabulary. See
/// `NUMERICS.md`.
pub fn seeded_prompt(seed: u64, challenge: Option<&Challenge>, n: usize, n_vocab: u64) -> Vec<u32> {
    let seed = challenge.map_or(seed, |challenge| challenge.mixed_into(seed));
    (1..=n as u64)
        .map(|i| {
            let z = seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ z >> 31) % n_vocab) as u32
        })
        .collect()
}

/// Ids for a warm-up: as many as `prompt` has, drawn anew from them, so that an engine meets `prompt`
/// itself for the first time when it is timed.
pub fn warm_up_prompt(prompt: &[u32], n_vocab: u64) -> Vec<u32> {
    let mut hash = Sha256::new_with_prefix(WARM_UP_TAG);
    prompt.iter().for_each(|id| hash.update(id.to_le_bytes()));
    let seed = Digest(hash.finalize().into()).seed();
    seeded_prompt(seed, None, prompt.len(), n_vocab)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs of splitmix64 for seed 1234567, as published with the generator.
    #[test]
    fn splitmix64_known_vector() {
        let want: [u64; 3] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        let n_vocab = 1_000_003;
        let ids = seeded_prompt(1_234_567, None, 3, n_vocab);
        assert_eq!(ids, want.map(|z| (z % n_vocab) as u32));
    }

    #[test]
    fn a_longer_prompt_starts_with_the_shorter() {
        let prompt = |n| seeded_prompt(42, None, n, 512);
        let (short, long) = (prompt(5), prompt(16));
        assert_eq!(short, long[..5]);
        assert!(long.iter().all(|&id| id < 512));
    }

    #[test]
    fn a_warm_up_has_another_prompt_of_the_same_length() {
        let prompt = seeded_prompt(42, None, 16, 512);
        let other = warm_up_prompt(&prompt, 512);
        assert_eq!(other.len(), 16);
        assert!(other.iter().all(|&id| id < 512));
        // Not one id stands where it stood: nothing of a prefix can be used again.
        assert!(prompt.iter().zip(&other).all(|(a, b)| a != b), "{other:?}");
        assert_ne!(warm_up_prompt(&other, 512), prompt);
    }

    #[test]
    fn a_challenge_replaces_the_seed_by_what_it_is_mixed_into() {
        let challenge: Challenge = "c0ffee".parse().unwrap();
        let mixed = seeded_prompt(challenge.mixed_into(42), None, 16, 512);
        assert_eq!(seeded_prompt(42, Some(&challenge), 16, 512), mixed);
        assert_ne!(seeded_prompt(42, None, 16, 512), mixed);
    }
}
