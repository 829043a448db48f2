//! The ternary product over many positions by `tdpbsud`: tiles of 16 positions × 64 columns times
//! tiles of 64 columns × 16 rows.

use super::{
    Amx,
    tiles::{TILE_ROWS, Tiles},
};
use crate::kernels::{
    Avx2,
    gemm::{
        CodeLine, SumLine,
        tiling::{Block, TileKernel},
    },
};

/// The tiles, configured, and the token of what is computed beside them.
pub struct TileProduct {
    tiles: Tiles,
    avx2: Avx2,
}

impl TileProduct {
    /// Configures the tiles until it is dropped.
    pub fn new(amx: &Amx) -> Self {
        Self {
            tiles: Tiles::configure(amx),
            avx2: amx.base.avx2(),
        }
    }
}

impl TileKernel for TileProduct {
    // The tiles eat their operands faster than L3 delivers: a tile of rows stays in L2, and the
    // activations are read again once per tile only.
    const TILE_PANELS: usize = 8;
    const STRIP_PANELS: usize = 2;
    const BLOCK_POSITIONS: usize = 2 * TILE_ROWS;
    const POSITION_UNIT: usize = TILE_ROWS;

    fn avx2(&self) -> Avx2 {
        self.avx2
    }

    fn multiply(&self, panels: &[CodeLine], block: Block, sums: &mut [SumLine]) {
        let multiply = match block.n / TILE_ROWS {
            1 => Tiles::multiply::<1>,
            2 => Tiles::multiply::<2>,
            n => unreachable!("a block of {n} tiles"),
        };
        multiply(
            &self.tiles,
            panels,
            block.activations,
            sums,
            block.sums_stride,
        );
    }
}
