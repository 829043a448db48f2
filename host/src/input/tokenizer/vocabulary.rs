//! The validated vocabulary of a file: texts, types and ids of the tokens.

use std::collections::HashMap;

use super::{
    error::{MAX_ENTRIES, MAX_TOKEN_BYTES, TOKEN_TYPE, TOKENS, TokenizerError, shown, utf8},
    marks::Marks,
    metadata::TokenizerMetadata,
};

/// The type of a token, with GGUF's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenType {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

impl TokenType {
    fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }
}

/// All tokens of a file. Every text is unique, valid UTF-8, not empty and not too long.
pub(super) struct Vocabulary<'a> {
    texts: Vec<&'a str>,
    types: Vec<TokenType>,
    ids: HashMap<&'a str, u32>,
}

impl<'a> Vocabulary<'a> {
    pub(super) fn new(metadata: &TokenizerMetadata<'a>) -> Result<Self, TokenizerError> {
        let n_tokens = metadata.tokens.len();
        if n_tokens == 0 {
            let needed_by = "a tokenizer needs tokens";
            return Err(TokenizerError::Missing {
                key: TOKENS,
                needed_by,
            });
        }
        if n_tokens > MAX_ENTRIES {
            return Err(TokenizerError::TooMany {
                key: TOKENS,
                found: n_tokens,
            });
        }
        let types = token_types(metadata.token_types.as_deref(), n_tokens)?;
        let mut texts = Vec::with_capacity(n_tokens);
        let mut ids = HashMap::with_capacity(n_tokens);
        for (id, bytes) in metadata.tokens.iter().enumerate() {
            let text = token_text(id, bytes)?;
            if let Some(first) = ids.insert(text, id as u32) {
                let problem = format!("{} is already {TOKENS}[{first}]", shown(text));
                return Err(TokenizerError::element(TOKENS, id, problem));
            }
            texts.push(text);
        }
        Ok(Self { texts, types, ids })
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    pub(super) fn token_type(&self, id: u32) -> TokenType {
        self.types[id as usize]
    }

    /// All tokens in ascending order of ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &'a str, TokenType)> {
        let types = self.types.iter().copied();
        let tokens = self.texts.iter().zip(types);
        (0..)
            .zip(tokens)
            .map(|(id, (&text, kind))| (id, text, kind))
    }

    /// The tokens of the type `wanted`, with their ids.
    pub(super) fn of_type(&self, wanted: TokenType) -> impl Iterator<Item = (u32, &'a str)> {
        let tokens = self.iter().filter(move |(_, _, kind)| *kind == wanted);
        tokens.map(|(id, text, _)| (id, text))
    }

    /// The tokens of the type `wanted`, to be found in a text by their spelling.
    pub(super) fn marks(&self, wanted: TokenType) -> Marks {
        Marks::new(self.of_type(wanted).map(|(id, text)| (id, text.to_owned())))
    }

    /// The id of the token `text`, if it has the type `wanted`.
    pub(super) fn id_of_type(&self, text: &str, wanted: TokenType) -> Option<u32> {
        self.id(text).filter(|&id| self.token_type(id) == wanted)
    }
}

fn token_text(id: usize, bytes: &[u8]) -> Result<&str, TokenizerError> {
    if bytes.is_empty() {
        return Err(TokenizerError::element(TOKENS, id, "is empty"));
    }
    if bytes.len() > MAX_TOKEN_BYTES {
        let n_bytes = bytes.len();
        let problem = format!("has {n_bytes} bytes, allowed: at most {MAX_TOKEN_BYTES}");
        return Err(TokenizerError::element(TOKENS, id, problem));
    }
    utf8(TOKENS, id, bytes)
}

fn token_types(numbers: Option<&[i32]>, n_tokens: usize) -> Result<Vec<TokenType>, TokenizerError> {
    let Some(numbers) = numbers else {
        return Ok(vec![TokenType::Normal; n_tokens]);
    };
    if numbers.len() != n_tokens {
        return Err(TokenizerError::Length {
            key: TOKEN_TYPE,
            found: numbers.len(),
            n_tokens,
        });
    }
    let checked = numbers.iter().enumerate().map(|(index, &number)| {
        TokenType::from_number(number).ok_or_else(|| {
            let problem = format!("{number} is not a token type, allowed: 1 to 6");
            TokenizerError::element(TOKEN_TYPE, index, problem)
        })
    });
    checked.collect()
}
