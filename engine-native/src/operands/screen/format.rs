//! Memory layout of low-bit rows.

/// Number of rows that are interleaved.
pub const SCREEN_ROWS: usize = 4;
/// Codes of one row in a step.
pub const SCREEN_STEP: usize = 512;
/// A step: [`SCREEN_STEP`] codes of each of [`SCREEN_ROWS`] rows, in five lines of 64 bytes per
/// row. The first line holds the lowest bits: bit g of byte l belongs to code `64·g + l`. Byte l of
/// line p + 1 holds the upper four bits of code `128·p + l` in bits 7:4 and of code `128·p + 64 +
/// l` in bits 3:0.
pub type ScreenStep = [[[u8; 64]; 5]; SCREEN_ROWS];
/// Bytes of a [`ScreenStep`].
pub const SCREEN_STEP_BYTES: usize = size_of::<ScreenStep>();
/// Half the number of codes: the scale is the largest magnitude of a row divided by this.
pub const SCREEN_LEVELS: f32 = 32.0;
/// Subtracted from `2·code`, so that values are symmetric about zero.
pub const SCREEN_OFFSET: i32 = 31;
/// Columns of the longest rows: with more, a sum of products could overflow an i32.
pub const MAX_SCREEN_COLS: usize = 1 << 16;
