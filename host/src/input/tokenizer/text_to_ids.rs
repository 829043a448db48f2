//! The tokenizer of a file, whichever kind it is.

use super::{
    byte_level::{self, ByteLevel},
    encode_error::EncodeError,
    marks::{Fragment, Marks},
    metadata::{self, TokenizerError, TokenizerMetadata},
    pre_tokenizer::PreTokenizer,
    sentence_piece::{self, SentencePiece},
    special::SpecialTokens,
    vocabulary::{TokenType, Vocabulary},
};

/// The tokenizer of a file.
pub struct Tokenizer {
    algorithm: Algorithm,
    /// The bytes of each token, by id.
    pieces: Vec<Box<[u8]>>,
    control: Marks,
    special: SpecialTokens,
}

enum Algorithm {
    ByteLevel(ByteLevel),
    SentencePiece(SentencePiece),
}

/// What [`Tokenizer::encode`] does besides encoding plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Put the BOS token before and the EOS token after the text, as the file says.
    pub add_special: bool,
    /// Take the spelling of a control token, such as `<|eot_id|>`, for the token. Otherwise it is
    /// plain text like any other, so that a text from somewhere else cannot speak for the user.
    pub parse_special: bool,
}

impl Default for EncodeOptions {
    /// BOS and EOS as the file says; control tokens are plain text.
    fn default() -> Self {
        Self {
            add_special: true,
            parse_special: false,
        }
    }
}

impl Tokenizer {
    /// The tokenizer that `metadata` describes.
    ///
    /// # Errors
    /// The first key that is missing, wrong or not supported.
    pub fn from_metadata(metadata: &TokenizerMetadata) -> Result<Self, TokenizerError> {
        let build = match metadata.model {
            Some("gpt2") => Self::byte_level,
            Some("llama") => Self::sentence_piece,
            Some(found) => {
                return Err(TokenizerError::Unsupported {
                    key: metadata::MODEL,
                    found: found.to_owned(),
                    allowed: "gpt2, llama".to_owned(),
                });
            }
            None => {
                return Err(TokenizerError::Missing {
                    key: metadata::MODEL,
                    needed_by: "it says which tokenizer the file has",
                });
            }
        };
        build(metadata, &Vocabulary::new(metadata)?)
    }

    fn byte_level(
        metadata: &TokenizerMetadata,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokenizerError> {
        let pre_tokenizer = PreTokenizer::named(metadata.pre, vocabulary)?;
        let algorithm = ByteLevel::new(metadata, pre_tokenizer, vocabulary)?;
        Ok(Self {
            algorithm: Algorithm::ByteLevel(algorithm),
            pieces: byte_level::pieces(vocabulary),
            control: vocabulary.marks(TokenType::Control),
            special: SpecialTokens::new(metadata, pre_tokenizer.add_bos, vocabulary)?,
        })
    }

    fn sentence_piece(
        metadata: &TokenizerMetadata,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokenizerError> {
        let algorithm = SentencePiece::new(metadata, vocabulary)?;
        let add_bos = true;
        Ok(Self {
            algorithm: Algorithm::SentencePiece(algorithm),
            pieces: sentence_piece::pieces(vocabulary)?,
            control: vocabulary.marks(TokenType::Control),
            special: SpecialTokens::new(metadata, add_bos, vocabulary)?,
        })
    }

    /// The tokens of `text`. User-defined tokens are always found by their spelling. A control token
    /// that is taken for one divides the text: what follows it is encoded as a text of its own.
    ///
    /// # Errors
    /// The vocabulary lacks a byte of the text, or `gpt2` meets a million characters of consecutive
    /// white space.
    pub fn encode(&self, text: &str, options: EncodeOptions) -> Result<Vec<u32>, EncodeError> {
        let fragments = match options.parse_special {
            true => self.control.split(text),
            false => vec![Fragment::Text(text)],
        };
        let add = |id: Option<u32>| id.filter(|_| options.add_special);
        let mut ids = Vec::from_iter(add(self.special.before));
        for fragment in fragments {
            match (fragment, &self.algorithm) {
                (Fragment::Mark { id, .. }, _) => ids.push(id),
                (Fragment::Text(text), Algorithm::ByteLevel(bpe)) => bpe.encode(text, &mut ids)?,
                (Fragment::Text(text), Algorithm::SentencePiece(bpe)) => {
                    bpe.encode(text, &mut ids)?;
                }
            }
        }
        ids.extend(add(self.special.after));
        Ok(ids)
    }

    /// Tokens of the vocabulary.
    pub fn n_vocab(&self) -> usize {
        self.pieces.len()
    }

    /// Whether the token ends a generation.
    pub fn is_end(&self, id: u32) -> bool {
        self.special.ends.contains(&id)
    }

    /// The tokenizer in a few words: kind, pre-tokenizer, sizes.
    pub fn describe(&self) -> String {
        let n_tokens = grouped(self.n_vocab());
        match &self.algorithm {
            Algorithm::ByteLevel(bpe) => {
                let (name, n_merges) = (bpe.pre_tokenizer(), grouped(bpe.n_merges()));
                format!("gpt2 BPE, {name}, {n_tokens} tokens, {n_merges} merges")
            }
            Algorithm::SentencePiece(_) => format!("llama SentencePiece BPE, {n_tokens} tokens"),
        }
    }

    /// The bytes of a token, `None` if the vocabulary lacks it.
    pub(super) fn piece(&self, id: u32) -> Option<&[u8]> {
        self.pieces.get(id as usize).map(AsRef::as_ref)
    }

    /// Whether the space of the token `id` at the start of a text is the one that encoding put there.
    pub(super) fn starts_with_prefix(&self, id: u32) -> bool {
        match &self.algorithm {
            Algorithm::ByteLevel(_) => false,
            Algorithm::SentencePiece(bpe) => bpe.space_prefix && !bpe.is_space_byte(id),
        }
    }
}

/// The number with a comma before every three digits.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}
