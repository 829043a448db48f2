//! Bounded reading of untrusted files, and atomic writing.

#[cfg(feature = "run")]
mod atomic_file;
mod json;
mod regular_file;
mod toml_text;

#[cfg(feature = "run")]
pub use atomic_file::{AtomicFile, retire};
pub use json::{JsonError, read_json, read_json_value, same_form};
pub use regular_file::{open_regular, read_bounded, read_secret};
pub use toml_text::read_toml;
