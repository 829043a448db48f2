//! The model of the `tokenizers` crate, which does the merging for both kinds of byte pair
//! encoding.

use tokenizers::{
    Model,
    models::bpe::{BPE, BpeBuilder, Merges, Vocab},
};

use super::vocabulary::{TokenType, Vocabulary};

/// A model that knows only the tokens of `kinds`. Plain text never becomes any other token.
///
/// # Panics
/// A merge names something other than tokens of `kinds`. The crate itself panics in this case, so
/// the merges of a file are checked first.
pub(super) fn model(
    vocabulary: &Vocabulary,
    kinds: &[TokenType],
    merges: Merges,
    configure: impl Fn(BpeBuilder) -> BpeBuilder,
) -> BPE {
    let tokens = vocabulary
        .iter()
        .filter(|(_, _, kind)| kinds.contains(kind));
    let ids: Vocab = tokens.map(|(id, text, _)| (text.to_owned(), id)).collect();
    // No cache: the crate's cache lives as long as the thread, not as long as the model.
    let builder = BPE::builder().cache_capacity(0);
    let builder = configure(builder.vocab_and_merges(ids, merges));
    builder
        .build()
        .expect("the merges were checked against the vocabulary")
}

/// The ids of `word`, or `None` if a part of it has no token. The crate skips such parts.
pub(super) fn encode(model: &BPE, word: &str) -> Option<Vec<u32>> {
    let tokens = model
        .tokenize(word)
        .expect("a model without an unknown token encodes any word");
    let encoded = tokens.last().map_or(0, |token| token.offsets.1);
    (encoded == word.len()).then(|| tokens.iter().map(|token| token.id).collect())
}

/// The characters of `text` that are not tokens of the model.
pub(super) fn unknown(model: &BPE, text: &str) -> impl Iterator<Item = char> {
    let is_token = |c: char| model.token_to_id(c.encode_utf8(&mut [0; 4])).is_some();
    text.chars().filter(move |&c| !is_token(c))
}
