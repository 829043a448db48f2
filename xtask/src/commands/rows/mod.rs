//! The rows of benchmark results: of receipts that were just made, and of receipts that are shown.

mod emit;
mod record;
mod row;
mod table;
mod trackers;

pub use emit::{Exports, emit};
pub use row::Entry;
pub use table::markdown;
