//! Statistics of samples: the one place for every median, percentile, spread and interval.
//!
//! Percentiles are samples themselves (nearest rank, Hyndman and Fan's type 1), so that a time is one that
//! was measured, and every verifier finds the same one. No sample is dropped.

mod order;
mod ranks;
mod spread;

pub use order::Sorted;
pub use ranks::{Interval, Shift, rank_sum, signed_rank};
pub use spread::{Mean, relative_deviation};
