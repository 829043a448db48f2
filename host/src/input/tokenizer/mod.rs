//! Tokenizers that are read from the metadata of a GGUF file: text to tokens, and tokens to text.
//!
//! `tokenizer.ggml.model` selects one of two kinds: `gpt2` is byte-level BPE, `llama` is the BPE of
//! SentencePiece. The `tokenizers` crate does the merging. This module validates the metadata,
//! handles special tokens, and decodes. It never guesses: a file that leaves something open is
//! refused.

mod bpe;
mod byte_level;
mod encode_error;
mod marks;
mod metadata;
mod pre_tokenizer;
mod pre_tokenizer_names;
mod scores;
mod sentence_piece;
mod special;
mod stored;
mod text_stream;
mod text_to_ids;
mod vocabulary;

pub use encode_error::EncodeError;
pub use metadata::{TokenizerError, TokenizerMetadata};
pub use special::end_tokens;
pub use text_stream::TextStream;
pub use text_to_ids::{EncodeOptions, Tokenizer};
