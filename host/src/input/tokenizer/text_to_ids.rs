//! The tokenizer of a model file, of either kind.

use super::{
    byte_level::{self, ByteLevel},
    encode_error::EncodeError,
    error::{MODEL, TokenizerError},
    marks::{Fragment, Marks},
    metadata::TokenizerMetadata,
    pre_tokenizer_names::named,
    sentence_piece::{self, SentencePiece},
    special::SpecialTokens,
    vocabulary::{TokenType, Vocabulary},
};

/// The tokenizer of a model file.
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

/// Options of [`Tokenizer::encode`] for special tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Whether to put the BOS token before the text and the EOS token after it, as the file says.
    pub add_special: bool,
    /// Whether the spelling of a control token, such as `<|eot_id|>`, becomes that token. If not,
    /// it is encoded as plain text, so that an untrusted text cannot inject control tokens.
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
    /// A key is missing, invalid or not supported; the error names the first one.
    pub fn from_metadata(metadata: &TokenizerMetadata) -> Result<Self, TokenizerError> {
        let build = match metadata.model {
            Some("gpt2") => Self::byte_level,
            Some("llama") => Self::sentence_piece,
            Some(found) => {
                return Err(TokenizerError::Unsupported {
                    key: MODEL,
                    found: found.to_owned(),
                    allowed: "gpt2, llama".to_owned(),
                });
            }
            None => {
                return Err(TokenizerError::Missing {
                    key: MODEL,
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
        let (name, pre_tokenizer) = named(metadata.pre, vocabulary)?;
        let algorithm = ByteLevel::new(metadata, (name, pre_tokenizer), vocabulary)?;
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

    /// Encodes `text`, which the pre-tokenizer of Qwen 2 first puts into normalization form C.
    /// User-defined tokens are always found by their spelling. With
    /// `parse_special`, a control token divides the text: the part after it is encoded like a new
    /// text.
    ///
    /// # Errors
    /// The vocabulary has no token for a byte of the text, or a text for `gpt2` has a million
    /// consecutive characters of white space.
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

    /// The number of tokens in the vocabulary.
    pub fn n_vocab(&self) -> usize {
        self.pieces.len()
    }

    /// Whether the token `id` ends a generation.
    pub fn is_end(&self, id: u32) -> bool {
        self.special.ends.contains(&id)
    }

    /// A short description: kind, pre-tokenizer, sizes.
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

    /// The bytes of the token `id`, none of a control token; `None` beyond the vocabulary.
    pub fn piece(&self, id: u32) -> Option<&[u8]> {
        self.pieces.get(id as usize).map(AsRef::as_ref)
    }

    /// Whether a space at the start of the token `id`, the first one of a text, was put there by
    /// encoding.
    pub(super) fn starts_with_prefix(&self, id: u32) -> bool {
        match &self.algorithm {
            Algorithm::ByteLevel(_) => false,
            Algorithm::SentencePiece(bpe) => bpe.space_prefix && !bpe.is_space_byte(id),
        }
    }
}

/// Formats `n` with commas between groups of three digits.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}
