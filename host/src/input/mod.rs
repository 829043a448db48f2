//! The input of a run: a model file, and a prompt as ids or as text.

#[cfg(feature = "run")]
mod model_file;
#[cfg(feature = "run")]
mod prompt;
pub mod tokenizer;

#[cfg(feature = "run")]
pub use {
    model_file::{HashedModel, OpenError},
    prompt::{Prompt, PromptError, ends_of, tokenizer_of},
};
