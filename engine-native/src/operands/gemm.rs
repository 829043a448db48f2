//! The operands of a ternary GEMM: a batch of positions, and scratch memory.

use super::QuantizedActivations;
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

#[cfg(target_arch = "x86_64")]
impl ActivationLine {
    /// Activations 4j to 4j + 3 as one integer, the first in the lowest byte.
    #[inline]
    pub fn four(&self, j: usize) -> i32 {
        let (fours, _) = self.0.as_chunks::<4>();
        i32::from_le_bytes(fours[j].map(i8::cast_unsigned))
    }
}

/// Rows of a panel: they are unpacked side by side.
pub const PANEL_ROWS: usize = 16;
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
        }
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
