//! Special tokens: which one goes before a text, which one after it, and which ones end a
//! generation.

use std::collections::BTreeSet;

use super::{
    metadata::{BOS_TOKEN_ID, EOS_TOKEN_ID, EOT_TOKEN_ID, Key, TokenizerError, TokenizerMetadata},
    vocabulary::{TokenType, Vocabulary},
};

/// Control tokens that end a generation even if no key of the file names them. The published BitNet
/// b1.58 2B4T, for example, names `<|end_of_text|>` as EOS, but ends its answers with `<|eot_id|>`.
const END_TOKENS: [&str; 6] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|im_end|>",
    "</s>",
];

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

/// The ids of the tokens that end a text, ascending: those that the file names, and those that are spelled
/// like one. Engines that are asked for a number of tokens leave them out.
pub fn end_tokens(metadata: &TokenizerMetadata) -> Vec<u32> {
    let is_end = |token: &[u8]| END_TOKENS.iter().any(|end| end.as_bytes() == token);
    let spelled = (0..)
        .zip(&metadata.tokens)
        .filter(|(_, token)| is_end(token));
    let named = [metadata.eos_token_id, metadata.eot_token_id];
    let all: BTreeSet<u32> = spelled
        .map(|(id, _)| id)
        .chain(named.into_iter().flatten())
        .collect();
    all.into_iter().collect()
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
