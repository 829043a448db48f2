//! The operands of kernels: rows of weights in their memory layouts, activations, and scratch
//! memory.

mod activations;
mod attention;
mod dense_rows;
mod gemm;
mod grouped_rows;
mod row_layout;
mod screen;
mod ternary_rows;

#[cfg(target_arch = "x86_64")]
pub(crate) use activations::GroupTerms;
pub use activations::{BLOCK_COLS, GROUP_COLS, QuantizedActivations};
pub(crate) use attention::assert_sums_fit;
pub use attention::{AttentionScratch, Queries, RopeAngles};
#[cfg(target_arch = "x86_64")]
pub(crate) use attention::{BLOCK_ROWS, Lanes16};
pub use dense_rows::DenseRows;
#[cfg(target_arch = "x86_64")]
pub(crate) use gemm::{
    ActivationLine, CodeLine, FloatLine, GROUPED_TILE_PANELS, GroupActivations, Line,
    MAX_BLOCK_POSITIONS, MAX_TILE_PANELS, POSITION_PADDING, SumLine, four,
};
pub use gemm::{GemmBatch, GemmScratch, PANEL_ROWS};
pub use grouped_rows::{
    GroupedRows, PANEL_GROUP_BYTES, PANEL_SCALES_BYTES, PanelBytes, PanelGroup, PanelScales,
    four_of_field,
};
pub(crate) use row_layout::ROW_UNIT;
pub use row_layout::RowLayout;
pub use screen::{Bound, Bounded, RefineRows, ScreenActivations, ScreenRows};
pub(crate) use screen::{
    MAX_SCREEN_COLS, SCREEN_LEVELS, SCREEN_OFFSET, SCREEN_ROWS, SCREEN_STEP, SCREEN_STEP_BYTES,
    ScreenStep, norm_rounded_up, rounded_up,
};
pub use ternary_rows::TernaryRows;
