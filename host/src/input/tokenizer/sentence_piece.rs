//! BPE as in SentencePiece: on characters, with `▁` for a space and byte tokens for unknown
//! characters.

use tokenizers::{Model, models::bpe::BPE};

use super::{
    bpe,
    encode_error::EncodeError,
    error::{SCORES, TOKEN_TYPE, TOKENS, TokenizerError, shown},
    marks::{Fragment, Marks},
    metadata::TokenizerMetadata,
    scores,
    vocabulary::{TokenType, Vocabulary},
};

const SPACE: &str = "▁";

pub(super) struct SentencePiece {
    model: BPE,
    user_defined: Marks,
    pub(super) space_prefix: bool,
}

impl SentencePiece {
    pub(super) fn new(
        metadata: &TokenizerMetadata,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokenizerError> {
        let needed_by = "llama needs it";
        if metadata.token_types.is_none() {
            let key = TOKEN_TYPE;
            return Err(TokenizerError::Missing { key, needed_by });
        }
        let Some(scores) = &metadata.scores else {
            let key = SCORES;
            return Err(TokenizerError::Missing { key, needed_by });
        };
        let merges = scores::merges(scores, vocabulary)?;
        let kinds = [TokenType::Normal, TokenType::Byte];
        let user_defined = vocabulary.of_type(TokenType::UserDefined);
        let user_defined = user_defined.map(|(id, text)| (id, text.replace(' ', SPACE)));
        Ok(Self {
            model: bpe::model(vocabulary, &kinds, merges, |model| {
                model.byte_fallback(true)
            }),
            user_defined: Marks::new(user_defined),
            space_prefix: metadata.add_space_prefix.unwrap_or(true),
        })
    }

    /// Whether the token is the byte token of a space.
    pub(super) fn is_space_byte(&self, id: u32) -> bool {
        self.byte_id(b' ') == Some(id)
    }

    fn byte_id(&self, byte: u8) -> Option<u32> {
        self.model.token_to_id(&byte_token(byte))
    }

    /// Appends the tokens of `text`, with the space prefix unless the text is empty.
    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), EncodeError> {
        if text.is_empty() {
            return Ok(());
        }
        let prefix = if self.space_prefix { SPACE } else { "" };
        let text = prefix.to_owned() + &text.replace(' ', SPACE);
        for fragment in self.user_defined.split(&text) {
            match fragment {
                Fragment::Mark { id, .. } => ids.push(id),
                Fragment::Text(text) => {
                    let text_ids = bpe::encode(&self.model, text);
                    ids.extend(text_ids.ok_or_else(|| self.no_token(text))?);
                }
            }
        }
        Ok(())
    }

    /// The error for a text that the model cannot encode.
    fn no_token(&self, text: &str) -> EncodeError {
        let unknown = bpe::unknown(&self.model, text).map(String::from);
        let mut bytes = unknown.flat_map(String::into_bytes);
        let byte = bytes.find(|&byte| self.byte_id(byte).is_none());
        EncodeError::NoToken {
            byte: byte.unwrap_or_default(),
        }
    }
}

/// The bytes of text that each token stands for, by id.
pub(super) fn pieces(vocabulary: &Vocabulary) -> Result<Vec<Box<[u8]>>, TokenizerError> {
    let piece = |(id, text, kind): (u32, &str, TokenType)| {
        Ok(match kind {
            TokenType::Control => Box::default(),
            TokenType::Unknown => " \u{2047} ".as_bytes().into(),
            TokenType::Byte => [byte(id, text)?].into(),
            _ => text.replace(SPACE, " ").into_bytes().into(),
        })
    };
    vocabulary.iter().map(piece).collect()
}

/// The byte of a token such as `<0x4A>`. Only capital digits are allowed, so each byte has one
/// spelling.
fn byte(id: u32, text: &str) -> Result<u8, TokenizerError> {
    let digits = text.strip_prefix("<0x").and_then(|t| t.strip_suffix('>'));
    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.filter(|byte| byte_token(*byte) == text)
        .ok_or_else(|| {
            let problem = format!("{} is not a byte, allowed: <0x00> to <0xFF>", shown(text));
            TokenizerError::element(TOKENS, id as usize, problem)
        })
}

fn byte_token(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}
