//! How model bytes come in: what the host is asked to copy, and which rules the copy must satisfy.
//!
//! The host copies one range at a time, always to the same place. Each is validated and decoded
//! before the next one comes. So memory depends on the decoded size of one embedding row, one layer
//! and one chunk of the output matrix, and not on the size of the file.

mod layer;
mod staging;
mod vocabulary;

pub use layer::LayerSlot;
pub use staging::{LayerPart, MAX_RANGE_BYTES, Part, Staging};
pub use vocabulary::{EmbeddingSlot, HeadSlot};
