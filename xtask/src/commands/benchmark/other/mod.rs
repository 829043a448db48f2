//! Other engines than ours: which are measured, how, and what becomes of their runs.

mod choice;
mod judged;
mod measure;
mod weights;

pub use choice::{Other, chosen};
pub use judged::{judge, receipt, tolerance};
pub use measure::{OtherRun, measure};
pub use weights::file;
