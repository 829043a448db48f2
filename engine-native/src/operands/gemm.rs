//! The operands of a ternary GEMM: a batch of positions, and scratch memory.

use super::{GROUP_COLS, QuantizedActivations};
use crate::model::BLOCK_LEN;

/// A batch of positions. Each has activations to read and outputs to write.
pub trait GemmBatch {
    /// Number of positions.
    fn n_positions(&self) -> usize;

    /// Activations `[n_cols]` and outputs `[n_rows]` of the `i`-th position.
    fn position(&mut self, i: usize) -> (&QuantizedActivations, &mut [f32]);
}

/// 64 bytes, aligned to a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Line<T>(pub T);

/// The codes of four consecutive columns of each of [`PANEL_ROWS`] rows.
pub type CodeLine = Line<[u8; 64]>;
/// 64 consecutive activations of a position.
pub type ActivationLine = Line<[i8; 64]>;
/// Sums Σ code·activation of one position with each row of a panel.
pub type SumLine = Line<[i32; PANEL_ROWS]>;

/// A float of each row of a panel.
pub type FloatLine = Line<[f32; PANEL_ROWS]>;

#[cfg(target_arch = "x86_64")]
impl ActivationLine {
    /// Activations 4j to 4j + 3 as one integer, the first in the lowest byte.
    #[inline]
    pub fn four(&self, j: usize) -> i32 {
        four(&self.0, j)
    }
}

/// Activations 4j to 4j + 3 as one integer, the first in the lowest byte.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn four(activations: &[i8; 64], j: usize) -> i32 {
    let (fours, _) = activations.as_chunks::<4>();
    i32::from_le_bytes(fours[j].map(i8::cast_unsigned))
}

/// A position's activations of a group of columns, quantized in blocks.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub struct GroupActivations {
    /// The activations.
    pub values: [i8; GROUP_COLS],
    /// Scales of the two blocks.
    pub scales: [f32; 2],
    /// Sums of the two blocks, negated: the sums with codes start from them.
    pub minus_sums: [i32; 2],
}

impl GroupActivations {
    const ZERO: Self = Self {
        values: [0; GROUP_COLS],
        scales: [0.0; 2],
        minus_sums: [0; 2],
    };
}

/// Rows of a panel: they are unpacked side by side.
pub const PANEL_ROWS: usize = 16;
/// Panels of a tile of grouped weights: with 4096 columns they fill a quarter of an L2 cache.
pub const GROUPED_TILE_PANELS: usize = 4;
/// Panels of the largest tile of any ISA.
pub const MAX_TILE_PANELS: usize = 8;
/// Positions of the largest block of any ISA.
pub const MAX_BLOCK_POSITIONS: usize = 32;
/// Room for positions is a multiple of this, for ISAs that pad blocks of positions.
pub const POSITION_PADDING: usize = 16;

/// Scratch memory of a ternary GEMM, for unpacked weights, packed activations and sums.
#[derive(Debug)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "scalar products need no scratch")
)]
pub struct GemmScratch {
    /// A tile of weights, `[panels][n_cols / 4]`.
    pub(crate) codes: Vec<CodeLine>,
    /// Activations of many positions, `[blocks][n_cols / 64][positions of a block]`.
    pub(crate) activations: Vec<ActivationLine>,
    /// `[positions of a block][panels of a tile]`
    pub(crate) sums: Vec<SumLine>,
    /// For grouped weights, instead of `activations`: `[blocks][n_cols / 64][positions of a block]`
    pub(crate) groups: Vec<GroupActivations>,
    /// Scales of a tile of grouped weights, `[panels][n_cols / 64]`.
    pub(crate) group_scales: Vec<FloatLine>,
}

impl GemmScratch {
    /// Allocates room for matrices of up to `n_cols` columns. Batches of more than `n_positions`
    /// positions are computed in parts, each of which unpacks the weights again.
    pub fn new(n_cols: usize, n_positions: usize) -> Self {
        let n_cols = n_cols.next_multiple_of(BLOCK_LEN);
        let n_positions = n_positions.max(1).next_multiple_of(POSITION_PADDING);
        Self {
            codes: vec![Line([0; 64]); MAX_TILE_PANELS * n_cols / 4],
            activations: vec![Line([0; 64]); n_positions * n_cols / 64],
            sums: vec![Line([0; 16]); MAX_BLOCK_POSITIONS * MAX_TILE_PANELS],
            groups: Vec::new(),
            group_scales: Vec::new(),
        }
    }

    /// As [`GemmScratch::new`], for grouped matrices.
    pub fn grouped(n_cols: usize, n_positions: usize) -> Self {
        let groups = n_cols.div_ceil(GROUP_COLS);
        Self {
            codes: vec![Line([0; 64]); GROUPED_TILE_PANELS * groups * GROUP_COLS / 4],
            activations: Vec::new(),
            sums: Vec::new(),
            groups: vec![GroupActivations::ZERO; n_positions.max(1) * groups],
            group_scales: vec![Line([0.0; PANEL_ROWS]); GROUPED_TILE_PANELS * groups],
        }
    }

    /// Bytes that [`GemmScratch::grouped`] will allocate.
    pub fn grouped_bytes(n_cols: u64, n_positions: u64) -> u64 {
        let groups = n_cols.div_ceil(GROUP_COLS as u64);
        let panels = GROUPED_TILE_PANELS as u64;
        let panel = 64 * (GROUP_COLS as u64 / 4 + 1);
        groups * (panels * panel + n_positions.max(1) * size_of::<GroupActivations>() as u64)
    }

    /// Bytes that [`GemmScratch::new`] will allocate.
    pub fn bytes(n_cols: u64, n_positions: u64) -> u64 {
        let n_cols = n_cols.next_multiple_of(BLOCK_LEN as u64);
        let n_positions = n_positions.max(1);
        let n_positions = n_positions.next_multiple_of(POSITION_PADDING as u64);
        let rows_and_positions = (MAX_TILE_PANELS * PANEL_ROWS) as u64 + n_positions;
        rows_and_positions * n_cols + (MAX_BLOCK_POSITIONS * MAX_TILE_PANELS * 64) as u64
    }
}
