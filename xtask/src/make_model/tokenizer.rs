//! A byte-level BPE vocabulary of any size, so that generated models can be given text.
//!
//! The ids are ordered as in Llama 3: the 256 bytes, merged tokens by rank, then control tokens.
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

/// The tokenizer section of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokenizer {
    /// Token texts by id, in the byte alphabet of GPT-2.
    pub tokens: Vec<String>,
    /// Type of each token.
    pub token_types: Vec<i32>,
    /// Merges by rank: left text, one space, right text.
    pub merges: Vec<String>,
    /// Id of the token that begins a text.
    pub bos_id: u32,
    /// Id of the token that ends a text.
    pub eos_id: u32,
}

impl Tokenizer {
    /// A tokenizer with `n_vocab` tokens, at least [`MIN_VOCABULARY`].
    pub fn new(n_vocab: u32) -> Self {
        let n_free = n_vocab - N_BYTES;
        let n_control = (n_vocab / 32).clamp(2, MAX_CONTROL_TOKENS).min(n_free);
        let (merged, merges) = merge_tree((n_free - n_control) as usize);
        let bos_id = n_vocab - n_control;

        let mut tokens = byte_tokens();
        tokens.extend(merged);
        let mut token_types = vec![NORMAL; tokens.len()];
        tokens.extend((0..n_control).map(control_token));
        token_types.resize(tokens.len(), CONTROL);
        Self {
            tokens,
            token_types,
            merges,
            bos_id,
            eos_id: bos_id + 1,
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

    use super::{MIN_VOCABULARY, Tokenizer};

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
            let tokenizer = Tokenizer::new(n_vocab);
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
        let tokenizer = Tokenizer::new(MIN_VOCABULARY);
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

    #[test]
    fn every_ordinary_token_encodes_to_itself() {
        let tokenizer = Tokenizer::new(2048);
        for token in &tokenizer.tokens[..tokenizer.bos_id as usize] {
            assert_eq!(encode(&tokenizer, token), [token.as_str()]);
        }
    }
}
