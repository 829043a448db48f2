//! Ternary GEMM with `tdpbsud`: tiles of 16 positions × 64 columns times tiles of 64 columns × 16
//! rows.

use super::{
    Amx,
    tiles::{TILE_ROWS, Tiles},
};
use crate::{
    kernels::{
        Avx512Vnni,
        gemm_tiles::{Block, TileKernel, TilePacking},
    },
    operands::{CodeLine, SumLine},
};

/// The configured tile registers, and the ISA for unpacking and scaling.
pub struct TileProduct {
    tiles: Tiles,
    base: Avx512Vnni,
}

impl TileProduct {
    /// Configures the tile registers, until this is dropped.
    pub fn new(amx: &Amx) -> Self {
        Self {
            tiles: Tiles::configure(amx),
            base: amx.base,
        }
    }
}

impl TileKernel for TileProduct {
    // The tile registers consume operands faster than L3 delivers them. So a tile of rows is small
    // enough for L2, and activations are read again only once per tile.
    const TILE_PANELS: usize = 8;
    const STRIP_PANELS: usize = 2;
    const BLOCK_POSITIONS: usize = 2 * TILE_ROWS;
    const POSITION_UNIT: usize = TILE_ROWS;

    fn packing(&self) -> &impl TilePacking {
        self.base.packing()
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
