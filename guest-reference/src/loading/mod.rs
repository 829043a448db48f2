//! Model bytes on their way in: what the host is asked to copy, and what the copy has to satisfy.
//!
//! The host copies one range at a time, always to the same place. Each is validated and decoded
//! before the next one comes, so memory follows the decoded form of one embedding row, one layer
//! and one chunk of the output matrix, not the file.

mod layer;
mod numbers;
mod staging;

pub use layer::LayerSlot;
pub use numbers::{EmbeddingSlot, HeadSlot};
pub use staging::{LayerPart, MAX_RANGE_BYTES, Part, Staging};
