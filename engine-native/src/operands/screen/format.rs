//! How low-bit rows lie in memory.

/// Rows that lie interleaved.
pub const SCREEN_ROWS: usize = 4;
/// Codes of a row that lie together.
pub const SCREEN_STEP: usize = 512;
/// Codes of [`SCREEN_ROWS`] rows, five lines of 64 bytes for each row in turn. The first line holds
/// lowest bits: bit g of byte l is that of code `64·g + l`. In the p-th line that follows, byte l holds
/// the upper four bits of code `128·p + l` in bits 7:4 and of code `128·p + 64 + l` in bits 3:0.
pub type ScreenStep = [[[u8; 64]; 5]; SCREEN_ROWS];
/// Bytes of a [`ScreenStep`].
pub const SCREEN_STEP_BYTES: usize = size_of::<ScreenStep>();
/// Half the number of codes: the largest magnitude is worth this many halves of a step.
pub const SCREEN_LEVELS: f32 = 32.0;
/// What is added to `2·code` so that codes are as far below as above zero, negated.
pub const SCREEN_OFFSET: i32 = 31;
/// Columns of the longest rows: beyond, a sum of products could overflow an i32.
pub const MAX_SCREEN_COLS: usize = 1 << 16;
