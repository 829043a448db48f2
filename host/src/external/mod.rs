//! A file with a run of another engine: the tokens that it chose. [`crate::judge`] judges them.

mod file;

pub use file::{ExternalRun, MAX_EXTERNAL_BYTES, NotAnExternalRun};
