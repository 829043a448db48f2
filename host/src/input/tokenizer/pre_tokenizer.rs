//! Splits a text into words for byte-level BPE, with one of the published regular expressions.

use fancy_regex::Regex;

/// A way to cut texts into words.
#[derive(Debug, PartialEq)]
pub(super) struct PreTokenizer {
    /// The regular expression of a word. It matches at every place of a text.
    word: &'static str,
    /// Whether a text is put into Unicode's normalization form C before it is cut.
    pub(super) composes: bool,
    /// Whether a word that is itself a token becomes that token, without applying merges.
    pub(super) whole_words: bool,
    /// Whether a text starts with the BOS token by default.
    pub(super) add_bos: bool,
}

/// Source: `tokenizer.json` of Llama 3.
pub(super) const LLAMA_3: PreTokenizer = PreTokenizer {
    word: concat!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
    composes: false,
    whole_words: true,
    add_bos: true,
};

/// As that of Llama 3, but each digit is a word.
///
/// Source: `Qwen2Tokenizer` of Hugging Face transformers, also for normalization form C. A file does
/// not say whether texts are normalized, and engines differ: transformers normalizes, also when it
/// reads a GGUF file; llama.cpp does not. The models have learned from normalized texts.
pub(super) const QWEN_2: PreTokenizer = PreTokenizer {
    word: concat!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
    composes: true,
    whole_words: false,
    add_bos: false,
};

/// Source: `encoder.py` of GPT-2.
pub(super) const GPT_2: PreTokenizer = PreTokenizer {
    word: r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    composes: false,
    whole_words: false,
    add_bos: false,
};

impl PreTokenizer {
    pub(super) fn regex(&self) -> Regex {
        Regex::new(self.word).expect("the expression is a valid constant")
    }
}
