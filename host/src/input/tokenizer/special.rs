//! Special tokens: which one goes before a text, which one after it, and which ones end a
//! generation.

use std::collections::BTreeSet;

use super::{
    ends::END_TOKENS,
    error::{BOS_TOKEN_ID, EOS_TOKEN_ID, EOT_TOKEN_ID, Key, TokenizerError},
    metadata::TokenizerMetadata,
    vocabulary::{TokenType, Vocabulary},
};

pub(super) struct SpecialTokens {
    /// Put before every text.
    pub(super) before: Option<u32>,
    /// Put after every text.
    pub(super) after: Option<u32>,
    /// Tokens that end a generation.
    pub(super) ends: BTreeSet<u32>,
}

impl SpecialTokens {
    /// Reads the special tokens from `metadata`. `add_bos` is the default for `add_bos_token`; it
    /// has no effect if the file names no BOS token.
    pub(super) fn new(
        metadata: &TokenizerMetadata,
        add_bos: bool,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokenizerError> {
        let n_tokens = vocabulary.len();
        let bos = checked(BOS_TOKEN_ID, metadata.bos_token_id, n_tokens)?;
        let eos = checked(EOS_TOKEN_ID, metadata.eos_token_id, n_tokens)?;
        let eot = checked(EOT_TOKEN_ID, metadata.eot_token_id, n_tokens)?;
        if bos.is_none() && metadata.add_bos_token == Some(true) {
            return Err(TokenizerError::Missing {
                key: BOS_TOKEN_ID,
                needed_by: "tokenizer.ggml.add_bos_token is true",
            });
        }
        if eos.is_none() && metadata.add_eos_token == Some(true) {
            return Err(TokenizerError::Missing {
                key: EOS_TOKEN_ID,
                needed_by: "tokenizer.ggml.add_eos_token is true",
            });
        }
        let named = END_TOKENS.iter();
        let named = named.filter_map(|text| vocabulary.id_of_type(text, TokenType::Control));
        Ok(Self {
            before: bos.filter(|_| metadata.add_bos_token.unwrap_or(add_bos)),
            after: eos.filter(|_| metadata.add_eos_token.unwrap_or(false)),
            ends: named.chain(eos).chain(eot).collect(),
        })
    }
}

fn checked(key: Key, id: Option<u32>, n_tokens: usize) -> Result<Option<u32>, TokenizerError> {
    match id {
        Some(found) if found as usize >= n_tokens => Err(TokenizerError::Id {
            key,
            found,
            n_tokens,
        }),
        id => Ok(id),
    }
}
