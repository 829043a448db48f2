//! A byte-level BPE vocabulary of any size, so that generated models can be given text.
//!
//! The ids are ordered as in Llama 3 and Qwen: the 256 bytes, merged tokens by rank, then tokens
//! with a meaning of their own.
//! Each merged token is a space followed by letters, like the beginnings of words in real
//! vocabularies; shorter tokens come first. They form a tree whose root is the space: merge k
//! appends letter k mod 26 to node k div 26. The left side of a merge always starts with the space,
//! and the right side never does, so any text has only one possible order of merges, and every
//! token encodes to itself.

/// The size of the smallest vocabulary: all bytes, and the tokens that begin and end a text.
pub const MIN_VOCABULARY: u32 = N_BYTES + 2;

const N_BYTES: u32 = 256;

/// The number of control tokens that Llama 3 reserves.
const MAX_CONTROL_TOKENS: u32 = 256;

/// The control tokens of Qwen3, in the order of their ids. The first one ends a document, the third
/// one a turn.
const QWEN_CONTROL: [&str; 14] = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
];

/// The tokens of Qwen3 that come after them, which text may contain.
const QWEN_USER_DEFINED: [&str; 12] = [
    "<tool_call>",
    "</tool_call>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
];

/// The space, as byte-level vocabularies spell it.
const SPACE: char = 'Ġ';

/// Letters by frequency in English, so that early merges match real text.
const LETTERS: [char; 26] = [
    'e', 't', 'a', 'o', 'i', 'n', 's', 'h', 'r', 'd', 'l', 'c', 'u', 'm', 'w', 'f', 'g', 'y', 'p',
    'b', 'v', 'k', 'j', 'x', 'q', 'z',
];

/// `tokenizer.ggml.token_type` of ordinary tokens.
const NORMAL: i32 = 1;
/// `tokenizer.ggml.token_type` of tokens that text cannot contain.
const CONTROL: i32 = 3;
/// `tokenizer.ggml.token_type` of tokens that text is split at before all else.
const USER_DEFINED: i32 = 4;

/// Whose special tokens a vocabulary has, and how it splits text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Llama 3.
    Llama3,
    /// Qwen3.
    Qwen3,
}

impl Style {
    /// `tokenizer.ggml.pre`.
    pub fn pre(self) -> &'static str {
        match self {
            Self::Llama3 => "llama-bpe",
            Self::Qwen3 => "qwen2",
        }
    }

    /// The special tokens of a vocabulary with room for `n_free` tokens beside the bytes, and
    /// their types.
    fn special_tokens(self, n_vocab: u32, n_free: u32) -> Vec<(String, i32)> {
        match self {
            Self::Llama3 => {
                let n = (n_vocab / 32).clamp(2, MAX_CONTROL_TOKENS).min(n_free);
                (0..n)
                    .map(|index| (control_token(index), CONTROL))
                    .collect()
            }
            Self::Qwen3 => {
                let control = QWEN_CONTROL.map(|text| (text.to_owned(), CONTROL));
                let user_defined = QWEN_USER_DEFINED.map(|text| (text.to_owned(), USER_DEFINED));
                let all = control.into_iter().chain(user_defined);
                all.take(n_free as usize).collect()
            }
        }
    }

    /// The index of the token that ends an answer among the special ones.
    fn end(self) -> u32 {
        match self {
            Self::Llama3 => 1,
            Self::Qwen3 => 2,
        }
    }
}

/// The tokenizer section of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokenizer {
    /// Token texts by id, in the byte alphabet of GPT-2.
    pub tokens: Vec<String>,
    /// Type of each token.
    pub token_types: Vec<i32>,
    /// Merges by rank: left text, one space, right text.
    pub merges: Vec<String>,
    /// Id of the token that begins a text, or separates texts.
    pub bos_id: u32,
    /// Id of the token that ends a text.
    pub eos_id: u32,
}

impl Tokenizer {
    /// A tokenizer with `n_vocab` tokens, at least [`MIN_VOCABULARY`].
    pub fn new(n_vocab: u32, style: Style) -> Self {
        let n_free = n_vocab - N_BYTES;
        let special = style.special_tokens(n_vocab, n_free);
        let n_special = special.len() as u32;
        let (merged, merges) = merge_tree((n_free - n_special) as usize);
        let bos_id = n_vocab - n_special;

        let mut tokens = byte_tokens();
        tokens.extend(merged);
        let mut token_types = vec![NORMAL; tokens.len()];
        for (token, token_type) in special {
            tokens.push(token);
            token_types.push(token_type);
        }
        Self {
            tokens,
            token_types,
            merges,
            bos_id,
            eos_id: bos_id + style.end().min(n_special - 1),
        }
    }
}

/// The characters that spell the bytes in GPT-2, by id: first the printable bytes, then the others
/// as characters from U+0100 on.
fn byte_tokens() -> Vec<String> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let shown = (0..=u8::MAX).filter(printable).map(char::from);
    let n_hidden = (0..=u8::MAX).filter(|byte| !printable(byte)).count();
    let hidden = ('\u{100}'..).take(n_hidden);
    shown.chain(hidden).map(String::from).collect()
}

/// The first `n` merged tokens and the merges that make them.
fn merge_tree(n: usize) -> (Vec<String>, Vec<String>) {
    let mut nodes = vec![String::from(SPACE)];
    let mut merges = Vec::with_capacity(n);
    for rank in 0..n {
        let left = &nodes[rank / LETTERS.len()];
        let right = LETTERS[rank % LETTERS.len()];
        merges.push(format!("{left} {right}"));
        nodes.push(format!("{left}{right}"));
    }
    nodes.remove(0);
    (nodes, merges)
}

fn control_token(index: u32) -> String {
    match index {
        0 => "<|begin_of_text|>".to_owned(),
        1 => "<|end_of_text|>".to_owned(),
        n => format!("<|reserved_special_token_{}|>", n - 2),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::{CONTROL, MIN_VOCABULARY, Style, Tokenizer, USER_DEFINED};

    /// Byte-pair encoding by definition: merges the leftmost pair of the lowest rank until none is
    /// left.
    fn encode(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
        let ranks: HashMap<&str, usize> = tokenizer
            .merges
            .iter()
            .enumerate()
            .map(|(rank, merge)| (merge.as_str(), rank))
            .collect();
        let mut parts: Vec<String> = text.chars().map(String::from).collect();
        loop {
            let rank_at =
                |at: usize| ranks.get(format!("{} {}", parts[at], parts[at + 1]).as_str());
            let pairs = 0..parts.len().saturating_sub(1);
            let Some((_, at)) = pairs.filter_map(|at| Some((rank_at(at)?, at))).min() else {
                return parts;
            };
            let right = parts.remove(at + 1);
            parts[at].push_str(&right);
        }
    }

    #[test]
    fn sections_agree_in_length_and_tokens_are_unique() {
        for n_vocab in [MIN_VOCABULARY, 263, 320, 512, 128_256] {
            let tokenizer = Tokenizer::new(n_vocab, Style::Llama3);
            let unique: HashSet<&String> = tokenizer.tokens.iter().collect();
            assert_eq!(unique.len(), n_vocab as usize);
            assert_eq!(tokenizer.token_types.len(), n_vocab as usize);
            assert_eq!(tokenizer.merges.len() + 256, tokenizer.bos_id as usize);
            assert_eq!(
                tokenizer.tokens[tokenizer.bos_id as usize],
                "<|begin_of_text|>"
            );
            assert_eq!(
                tokenizer.tokens[tokenizer.eos_id as usize],
                "<|end_of_text|>"
            );
        }
    }

    #[test]
    fn bytes_have_the_ids_of_gpt2() {
        let tokenizer = Tokenizer::new(MIN_VOCABULARY, Style::Llama3);
        let expected = [
            (0, "!"),
            (93, "~"),
            (94, "¡"),
            (187, "ÿ"),
            (188, "Ā"),
            (220, "Ġ"),
            (255, "Ń"),
        ];
        for (id, text) in expected {
            assert_eq!(tokenizer.tokens[id], text);
        }
    }

    /// The ids of the published vocabulary.
    #[test]
    fn special_tokens_have_the_ids_of_qwen3() {
        let tokenizer = Tokenizer::new(151_669, Style::Qwen3);
        assert_eq!((tokenizer.bos_id, tokenizer.eos_id), (151_643, 151_645));
        assert_eq!(tokenizer.merges.len(), 151_387);
        for (id, text, token_type) in [
            (151_643, "<|endoftext|>", CONTROL),
            (151_645, "<|im_end|>", CONTROL),
            (151_656, "<|video_pad|>", CONTROL),
            (151_657, "<tool_call>", USER_DEFINED),
            (151_668, "</think>", USER_DEFINED),
        ] {
            assert_eq!(tokenizer.tokens[id], text);
            assert_eq!(tokenizer.token_types[id], token_type);
        }
        let unique: HashSet<&String> = tokenizer.tokens.iter().collect();
        assert_eq!(unique.len(), 151_669);
    }

    #[test]
    fn the_smallest_vocabulary_has_the_first_special_tokens() {
        let tokenizer = Tokenizer::new(MIN_VOCABULARY, Style::Qwen3);
        assert_eq!(tokenizer.tokens[256..], ["<|endoftext|>", "<|im_start|>"]);
        assert_eq!((tokenizer.bos_id, tokenizer.eos_id), (256, 257));
    }

    #[test]
    fn every_ordinary_token_encodes_to_itself() {
        for style in [Style::Llama3, Style::Qwen3] {
            let tokenizer = Tokenizer::new(2048, style);
            for token in &tokenizer.tokens[..tokenizer.bos_id as usize] {
                assert_eq!(encode(&tokenizer, token), [token.as_str()]);
            }
        }
    }
}
