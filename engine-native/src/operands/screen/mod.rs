//! Low-bit copies of rows, for approximate products.
//!
//! An element is `scale · (2·code − 31)`, with a code of five bits. Four rows are interleaved: one
//! memory stream feeds four rows, which share each load of the activations. The screen of the
//! greedy choice is made of them.

mod activations;
mod bound;
mod format;
mod norm;
mod rows;

pub use activations::ScreenActivations;
pub use bound::{Bound, Bounded};
pub(crate) use format::{
    MAX_SCREEN_COLS, SCREEN_LEVELS, SCREEN_OFFSET, SCREEN_ROWS, SCREEN_STEP, SCREEN_STEP_BYTES,
    ScreenStep,
};
pub(crate) use norm::{norm_rounded_up, rounded_up};
pub use rows::{RefineRows, ScreenRows};
