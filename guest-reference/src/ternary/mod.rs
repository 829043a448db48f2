//! Ternary weights: one packed form in memory, whatever the file holds.

mod codes;
mod decode;
mod grouped;
mod matrix;
mod packed;
mod scale;

pub use decode::{I2sLayout, TernaryType};
pub use grouped::{GROUP_WEIGHTS, GroupedType};
pub use matrix::{PackedMatrix, Scales, TernaryMatrix};
pub use packed::{BLOCK_BYTES, BLOCK_WEIGHTS, pack_row, packed_row_bytes, weight};
pub use scale::OneScale;
