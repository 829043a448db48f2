//! Low-bit copies of rows, for products that only have to be close.
//!
//! A row is `scale · (2·code − 31)`, codes in 0..32: five bits each. Four rows lie interleaved, so
//! that one stream of memory feeds four products, which share every load of the activations. See
//! [`crate::screen`] for what they are good for.

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
