//! Tokenizers that are read from the metadata of a GGUF file: text to tokens, and tokens to text.
//!
//! `tokenizer.ggml.model` selects one of two kinds: `gpt2` is byte-level BPE, `llama` is the BPE of
//! SentencePiece. The `tokenizers` crate does the merging. This module validates the metadata,
//! handles special tokens, and decodes. It never guesses: a file that leaves something open is
//! refused.

#[cfg(feature = "tokenizer")]
mod bpe;
#[cfg(feature = "tokenizer")]
mod byte_level;
#[cfg(feature = "tokenizer")]
mod encode_error;
mod ends;
#[cfg(feature = "tokenizer")]
mod error;
#[cfg(feature = "tokenizer")]
mod marks;
mod metadata;
#[cfg(feature = "tokenizer")]
mod pre_tokenizer;
#[cfg(feature = "tokenizer")]
mod pre_tokenizer_names;
#[cfg(feature = "tokenizer")]
mod scores;
#[cfg(feature = "tokenizer")]
mod sentence_piece;
#[cfg(feature = "tokenizer")]
mod special;
mod stored;
#[cfg(feature = "tokenizer")]
mod text_stream;
#[cfg(feature = "tokenizer")]
mod text_to_ids;
#[cfg(feature = "tokenizer")]
mod vocabulary;

pub use ends::ends_in;
pub use metadata::TokenizerMetadata;
#[cfg(feature = "tokenizer")]
pub use {
    encode_error::EncodeError,
    error::TokenizerError,
    text_stream::TextStream,
    text_to_ids::{EncodeOptions, Tokenizer},
};
