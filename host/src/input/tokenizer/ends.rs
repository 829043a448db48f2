//! Which tokens end a text.

use std::collections::BTreeSet;

use engine_native::gguf::Metadata;

use super::metadata::TokenizerMetadata;

/// Control tokens that end a generation even if no key of the file names them. The published BitNet
/// b1.58 2B4T, for example, names `<|end_of_text|>` as EOS, but ends its answers with `<|eot_id|>`.
pub(super) const END_TOKENS: [&str; 6] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|im_end|>",
    "</s>",
];

/// The ids of the tokens that end a text, ascending: those that the file names, and those that are spelled
/// like one; none where it has no tokenizer. Engines that are asked for a number of tokens leave them out. `file`
/// has the whole header of a model file, whose keys are `keys`.
pub fn ends_in(keys: &Metadata, file: &[u8]) -> Vec<u32> {
    let metadata = TokenizerMetadata::read(keys, file);
    metadata.as_ref().map(end_tokens).unwrap_or_default()
}

fn end_tokens(metadata: &TokenizerMetadata) -> Vec<u32> {
    let is_end = |token: &[u8]| END_TOKENS.iter().any(|end| end.as_bytes() == token);
    let spelled = (0..)
        .zip(&metadata.tokens)
        .filter(|(_, token)| is_end(token));
    let named = [metadata.eos_token_id, metadata.eot_token_id];
    let all: BTreeSet<u32> = spelled
        .map(|(id, _)| id)
        .chain(named.into_iter().flatten())
        .collect();
    all.into_iter().collect()
}
