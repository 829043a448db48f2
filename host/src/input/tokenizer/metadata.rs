//! The metadata of a tokenizer in a GGUF file.

/// The values of the keys `tokenizer.ggml.*`. Byte strings and arrays are not checked yet.
///
/// Source of the keys: the GGUF specification.
#[derive(Debug, Clone, Default)]
pub struct TokenizerMetadata<'a> {
    /// `model`: `gpt2` or `llama`.
    pub model: Option<&'a str>,
    /// `pre`: name of the pre-tokenizer, for `gpt2` only.
    pub pre: Option<&'a str>,
    /// `tokens`: the spelling of each token, by id.
    pub tokens: Vec<&'a [u8]>,
    /// `scores`, one per token; the highest is merged first. Required by `llama`.
    pub scores: Option<Vec<f32>>,
    /// `token_type`, one per token. Required by `llama`; without it, all tokens of `gpt2` are
    /// normal.
    pub token_types: Option<Vec<i32>>,
    /// `merges`, each of the form `left right`, in the order of their priority. Required by `gpt2`.
    pub merges: Option<Vec<&'a [u8]>>,
    /// `bos_token_id`.
    pub bos_token_id: Option<u32>,
    /// `eos_token_id`.
    pub eos_token_id: Option<u32>,
    /// `eot_token_id`.
    pub eot_token_id: Option<u32>,
    /// `add_bos_token`.
    pub add_bos_token: Option<bool>,
    /// `add_eos_token`.
    pub add_eos_token: Option<bool>,
    /// `add_space_prefix`.
    pub add_space_prefix: Option<bool>,
}
