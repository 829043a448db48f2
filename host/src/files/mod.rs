//! Bounded reading of untrusted files, and atomic writing.

#[cfg(feature = "run")]
mod atomic_file;
mod encoding;
mod json;
#[cfg(feature = "run")]
mod pair;
#[cfg(feature = "run")]
mod place;
mod regular_file;
#[cfg(feature = "run")]
mod retire;
#[cfg(feature = "run")]
mod temporary;
mod toml_text;

#[cfg(feature = "run")]
pub use atomic_file::{AtomicFile, Staged};
pub use encoding::other_encoding;
pub use json::{JsonError, read_json, read_json_value, same_form};
#[cfg(feature = "run")]
pub use pair::{Beside, PlaceError, replace_with};
pub use regular_file::{open_regular, read_bounded, read_secret};
#[cfg(feature = "run")]
pub use retire::retire;
pub use toml_text::read_toml;
