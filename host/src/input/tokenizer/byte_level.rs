//! Byte-level BPE: the tokenizer of GPT-2 and, with other word patterns, of Llama 3 and Qwen.
//!
//! Files and the `tokenizers` crate spell a token with one printable character per byte. Here, the
//! spelling is turned back into bytes when tokens become text.

use std::collections::HashMap;

use fancy_regex::Regex;
use tokenizers::{
    Normalizer as _, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _,
    SplitDelimiterBehavior,
    models::bpe::{BPE, Merges},
    normalizers::NFC,
    pre_tokenizers::byte_level::ByteLevel as Spelling,
};

use super::{
    bpe,
    encode_error::EncodeError,
    error::{ADD_SPACE_PREFIX, MAX_ENTRIES, MERGES, TokenizerError, shown, utf8},
    marks::{Fragment, Marks},
    metadata::TokenizerMetadata,
    pre_tokenizer::PreTokenizer,
    pre_tokenizer_names::Named,
    vocabulary::{TokenType, Vocabulary},
};

/// The types of the tokens that plain text can become. Control tokens are not among them.
const PLAIN: [TokenType; 2] = [TokenType::Normal, TokenType::UserDefined];

pub(super) struct ByteLevel {
    name: &'static str,
    pre_tokenizer: &'static PreTokenizer,
    word: Regex,
    model: BPE,
    n_merges: usize,
    user_defined: Marks,
}

impl ByteLevel {
    pub(super) fn new(
        metadata: &TokenizerMetadata,
        (name, pre_tokenizer): Named,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokenizerError> {
        if metadata.add_space_prefix == Some(true) {
            return Err(TokenizerError::Unsupported {
                key: ADD_SPACE_PREFIX,
                found: "true".to_owned(),
                allowed: "false for gpt2".to_owned(),
            });
        }
        let Some(lines) = &metadata.merges else {
            return Err(TokenizerError::Missing {
                key: MERGES,
                needed_by: "gpt2 needs it",
            });
        };
        let merges = read_merges(lines, vocabulary)?;
        let whole_words = pre_tokenizer.whole_words;
        Ok(Self {
            name,
            pre_tokenizer,
            word: pre_tokenizer.regex(),
            n_merges: merges.len(),
            model: bpe::model(vocabulary, &PLAIN, merges, |model| {
                model.ignore_merges(whole_words)
            }),
            user_defined: vocabulary.marks(TokenType::UserDefined),
        })
    }

    /// The name of the pre-tokenizer in the file.
    pub(super) fn pre_tokenizer(&self) -> &'static str {
        self.name
    }

    pub(super) fn n_merges(&self) -> usize {
        self.n_merges
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), EncodeError> {
        for fragment in self.user_defined.split(text) {
            match fragment {
                Fragment::Mark { id, .. } => ids.push(id),
                Fragment::Text(text) => self.encode_words(text, ids)?,
            }
        }
        Ok(())
    }

    fn encode_words(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), EncodeError> {
        let words = self.words(text).map_err(|_| EncodeError::WhiteSpace)?;
        for (word, ..) in words.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            let word_ids = bpe::encode(&self.model, word);
            ids.extend(word_ids.ok_or_else(|| self.no_token(word))?);
        }
        Ok(())
    }

    /// The words of `text`, spelled like tokens.
    fn words(&self, text: &str) -> tokenizers::Result<PreTokenizedString> {
        let mut words = PreTokenizedString::from(text);
        if self.pre_tokenizer.composes {
            words.normalize(|text| NFC.normalize(text))?;
        }
        // Not with the crate's own `Split`: if the regular expression fails, it takes the rest of
        // the text for one word.
        words.split(|_, text| text.split(&self.word, SplitDelimiterBehavior::Isolated))?;
        let (add_prefix_space, trim_offsets, use_regex) = (false, false, false);
        Spelling::new(add_prefix_space, trim_offsets, use_regex).pre_tokenize(&mut words)?;
        Ok(words)
    }

    /// The error for a word that the model cannot encode.
    fn no_token(&self, word: &str) -> EncodeError {
        let missing = bpe::unknown(&self.model, word).next();
        let byte = missing.and_then(|c| Alphabet::new().byte(c));
        EncodeError::NoToken {
            byte: byte.unwrap_or_default(),
        }
    }
}

/// The bytes of text that each token stands for, by id.
pub(super) fn pieces(vocabulary: &Vocabulary) -> Vec<Box<[u8]>> {
    let alphabet = Alphabet::new();
    let piece = |(_, text, kind): (u32, &str, TokenType)| match kind {
        TokenType::Control | TokenType::Unknown => Box::default(),
        TokenType::UserDefined => text.as_bytes().into(),
        // A token that is not spelled in the alphabet stands for its own text.
        _ => alphabet
            .bytes(text)
            .unwrap_or_else(|| text.as_bytes().into()),
    };
    vocabulary.iter().map(piece).collect()
}

fn read_merges(lines: &[&[u8]], vocabulary: &Vocabulary) -> Result<Merges, TokenizerError> {
    if lines.len() > MAX_ENTRIES {
        return Err(TokenizerError::TooMany {
            key: MERGES,
            found: lines.len(),
        });
    }
    let mut merges = Merges::with_capacity(lines.len());
    let mut seen = HashMap::with_capacity(lines.len());
    let mut joined = String::new();
    for (index, line) in lines.iter().enumerate() {
        let (left, right) = pair(index, line)?;
        joined.clear();
        joined.extend([left, right]);
        let id = |text| plain(index, text, vocabulary);
        let pair = (id(left)?, id(right)?);
        id(&joined)?;
        if let Some(first) = seen.insert(pair, index) {
            let problem = format!("is already {MERGES}[{first}]");
            return Err(TokenizerError::element(MERGES, index, problem));
        }
        merges.push((left.to_owned(), right.to_owned()));
    }
    Ok(merges)
}

fn pair(index: usize, line: &[u8]) -> Result<(&str, &str), TokenizerError> {
    let line = utf8(MERGES, index, line)?;
    let is_token = |text: &str| !text.is_empty() && !text.contains(' ');
    line.split_once(' ')
        .filter(|(left, right)| is_token(left) && is_token(right))
        .ok_or_else(|| {
            let problem = format!("{} is not two tokens with a space between", shown(line));
            TokenizerError::element(MERGES, index, problem)
        })
}

/// The id of a token that a merge names.
fn plain(index: usize, text: &str, vocabulary: &Vocabulary) -> Result<u32, TokenizerError> {
    let id = vocabulary.id(text);
    id.filter(|&id| PLAIN.contains(&vocabulary.token_type(id)))
        .ok_or_else(|| {
            let problem = format!("{} is not a token of plain text", shown(text));
            TokenizerError::element(MERGES, index, problem)
        })
}

/// The byte that each character of the alphabet stands for, by code point.
///
/// Source: the GPT-2 vocabulary. The printable bytes of Latin-1 are spelled as themselves, the
/// others in order as U+0100 and up.
struct Alphabet([Option<u8>; 0x180]);

impl Alphabet {
    fn new() -> Self {
        let mut others = 0x100..;
        let mut bytes = [None; 0x180];
        for byte in 0..=u8::MAX {
            let c = match byte {
                b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => Some(usize::from(byte)),
                _ => others.next(),
            };
            bytes[c.unwrap_or_default()] = Some(byte);
        }
        Self(bytes)
    }

    fn byte(&self, c: char) -> Option<u8> {
        *self.0.get(c as usize)?
    }

    /// The bytes that `text` spells; `None` if it has a character that is not in the alphabet.
    fn bytes(&self, text: &str) -> Option<Box<[u8]>> {
        text.chars().map(|c| self.byte(c)).collect()
    }
}
