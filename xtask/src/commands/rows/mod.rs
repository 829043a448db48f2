//! The rows of benchmark results: of receipts that were just made, and of receipts that are shown.

mod emit;
mod line;
mod record;
mod row;
mod table;
mod trackers;
mod without;

pub use emit::{Exports, emit};
pub use line::Line;
pub use row::{Entry, engine, tokens_are};
pub use table::markdown;
pub use without::WithoutNumber;
