//! The tokenizer against the reference tokenizers, and against bad files.

mod properties;
mod rejection;
mod special;
mod stream;
mod vectors;
