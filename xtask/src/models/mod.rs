//! Models that this program knows, has inside, or finds on this machine.

mod cache;
mod embedded;
mod find;
mod known_model;
mod manifest;

pub use cache::{CACHE_VARIABLE, CachedFile, cache_files, cache_folder, make_cache_folder};
pub use embedded::{TINY, TINY_RUST, embedded};
pub use find::folders;
pub use known_model::{KnownModel, Origin};
pub use manifest::{how_to_get, known_models};
