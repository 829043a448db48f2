//! Text to tokens and back, from the metadata of a GGUF file.
//!
//! Two kinds of tokenizer, by `tokenizer.ggml.model`: `gpt2` is byte-level BPE,
//! `llama` is the BPE of SentencePiece. The `tokenizers` crate does the merging; here
//! are the checks of the file, the tokens that are not plain text, and the way back. What a file
//! leaves open is refused, not guessed.

mod bpe;
mod byte_level;
mod encode_error;
mod marks;
mod metadata;
mod pre_tokenizer;
mod scores;
mod sentence_piece;
mod special;
mod text_stream;
mod text_to_ids;
mod vocabulary;

pub use encode_error::EncodeError;
pub use metadata::{TokenizerError, TokenizerMetadata};
pub use text_stream::TextStream;
pub use text_to_ids::{EncodeOptions, Tokenizer};
