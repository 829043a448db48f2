//! Splits a text into words for byte-level BPE, with one of two published regular expressions.

use fancy_regex::Regex;

use super::{
    metadata::{PRE, TokenizerError},
    vocabulary::Vocabulary,
};

/// A pre-tokenizer that a file can name.
#[derive(Debug, PartialEq)]
pub(super) struct PreTokenizer {
    pub(super) name: &'static str,
    /// The regular expression of a word. It matches at every place of a text.
    word: &'static str,
    /// Whether a word that is itself a token becomes that token, without applying merges.
    pub(super) whole_words: bool,
    /// Whether a text starts with the BOS token by default.
    pub(super) add_bos: bool,
}

const LLAMA_3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

const GPT_2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

const KNOWN: [PreTokenizer; 6] = [
    llama_3("llama-bpe"),
    llama_3("llama3"),
    llama_3("llama-v3"),
    llama_3("falcon3"),
    llama_3("falcon_e"),
    PreTokenizer {
        name: "gpt-2",
        word: GPT_2,
        whole_words: false,
        add_bos: false,
    },
];

const fn llama_3(name: &'static str) -> PreTokenizer {
    PreTokenizer {
        name,
        word: LLAMA_3,
        whole_words: true,
        add_bos: true,
    }
}

impl PreTokenizer {
    /// The pre-tokenizer that a file names. A file that names none must have the vocabulary of
    /// Llama 3, like the published BitNet b1.58 2B4T.
    pub(super) fn named(
        name: Option<&str>,
        vocabulary: &Vocabulary,
    ) -> Result<&'static Self, TokenizerError> {
        let Some(name) = name else {
            return match is_llama_3(vocabulary) {
                true => Ok(&KNOWN[0]),
                false => Err(TokenizerError::Missing {
                    key: PRE,
                    needed_by: "gpt2 needs it, the vocabulary is not that of Llama 3",
                }),
            };
        };
        let known = KNOWN.iter().find(|known| known.name == name);
        known.ok_or_else(|| TokenizerError::Unsupported {
            key: PRE,
            found: name.to_owned(),
            allowed: KNOWN.map(|known| known.name).join(", "),
        })
    }

    pub(super) fn regex(&self) -> Regex {
        Regex::new(self.word).expect("the expression is a valid constant")
    }
}

fn is_llama_3(vocabulary: &Vocabulary) -> bool {
    let marks = ["<|begin_of_text|>", "<|eot_id|>"];
    vocabulary.len() == 128_256 && marks.iter().all(|mark| vocabulary.id(mark).is_some())
}
