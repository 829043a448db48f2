//! The tokenizer against the reference tokenizers, and against bad files.

mod names;
mod properties;
mod published;
mod rejection;
mod special;
mod stream;
mod vectors;
