//! The input of a run: a model file, and a prompt as ids or as text.

mod model_file;
mod prompt;
pub mod tokenizer;

pub use model_file::{HashedModel, OpenError};
pub use prompt::{Prompt, PromptError, tokenizer_of};
