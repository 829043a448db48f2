//! What both kinds of byte pair encoding take from the `tokenizers` crate: its model.

use tokenizers::{
    Model,
    models::bpe::{BPE, BpeBuilder, Merges, Vocab},
};

use super::vocabulary::{TokenType, Vocabulary};

/// A model of the tokens of `kinds`. All others stay unknown to it: no plain text becomes one.
///
/// # Panics
/// A merge names something else than tokens of `kinds`. The crate asks the same of its caller with
/// a panic of its own, so merges of a file are checked before.
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
    // The crate's cache lives as long as the thread, not as long as the model.
    let builder = BPE::builder().cache_capacity(0);
    let builder = configure(builder.vocab_and_merges(ids, merges));
    builder
        .build()
        .expect("the merges were checked against the vocabulary")
}

/// The ids of `word`, `None` if there is something in it that has no token: the crate skips that.
pub(super) fn encode(model: &BPE, word: &str) -> Option<Vec<u32>> {
    let tokens = model
        .tokenize(word)
        .expect("the model has no unknown token that it could lack");
    let encoded = tokens.last().map_or(0, |token| token.offsets.1);
    (encoded == word.len()).then(|| tokens.iter().map(|token| token.id).collect())
}

/// The characters of `text` that are no tokens of the model.
pub(super) fn unknown(model: &BPE, text: &str) -> impl Iterator<Item = char> {
    let is_token = |c: char| model.token_to_id(c.encode_utf8(&mut [0; 4])).is_some();
    text.chars().filter(move |&c| !is_token(c))
}
