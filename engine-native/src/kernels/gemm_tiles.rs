//! Tiled ternary GEMM: a tile of rows is unpacked once and multiplied with all positions, block by
//! block, while it is in the cache.
//!
//! An ISA supplies the tile sizes and the multiplication; the rest is here. Sums are exact
//! integers, so their order does not matter.

use crate::operands::{
    ActivationLine, CodeLine, GemmBatch, GemmScratch, Line, MAX_BLOCK_POSITIONS, MAX_TILE_PANELS,
    PANEL_ROWS, POSITION_PADDING, RowLayout, SumLine, TernaryRows,
};

/// How an ISA multiplies unpacked weights and packed activations.
///
/// A tile is unpacked as a whole. A strip of it, of one or more panels, is multiplied with a block
/// of positions in one call.
pub trait TileKernel {
    /// Panels of a tile, a multiple of [`TileKernel::STRIP_PANELS`].
    const TILE_PANELS: usize;
    /// Panels of a strip.
    const STRIP_PANELS: usize;
    /// The most positions of a block.
    const BLOCK_POSITIONS: usize;
    /// Blocks are padded to a multiple of this many positions.
    const POSITION_UNIT: usize;

    /// The functions that unpack tiles and scale sums.
    fn packing(&self) -> &impl TilePacking;

    /// Computes `sums[p * sums_stride + s] = panels[s] · activations[p]` for the panels of a strip
    /// and the `n` positions of a block.
    fn multiply(&self, panels: &[CodeLine], block: Block, sums: &mut [SumLine]);
}

/// How tiles are unpacked and sums are scaled.
pub trait TilePacking {
    /// Unpacks a tile into panels. The last panel is padded with copies of the last row.
    fn unpack_tile(&self, rows: TernaryRows, codes: &mut [CodeLine]);

    /// Computes `out[r] = (sums[r] - activation_sum) · scale`.
    fn scale_sums(&self, sums: &[SumLine], activation_sum: i32, scale: f32, out: &mut [f32]);
}

/// The activations of a block of positions, and the layout of its sums.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// `[n_cols / 64][n]`
    pub activations: &'a [ActivationLine],
    /// Number of positions, including padding.
    pub n: usize,
    /// Distance between the sums of two positions, in lines.
    pub sums_stride: usize,
}

/// Computes the product for every position of `batch`. Returns the multiply-accumulates.
pub fn multiply(
    kernel: &impl TileKernel,
    weights: TernaryRows,
    batch: &mut dyn GemmBatch,
    scratch: &mut GemmScratch,
) -> usize {
    let n_rows = weights.n_rows;
    let n_values = weights.row_bytes() * 4;
    assert_eq!(weights.layout, RowLayout::Rows);
    assert_eq!(weights.packed.len(), n_rows * weights.row_bytes());
    for i in 0..batch.n_positions() {
        let (activations, out) = batch.position(i);
        assert_eq!(activations.len, weights.n_cols);
        assert!(activations.values.len() >= n_values);
        assert_eq!(out.len(), n_rows);
    }
    let room = scratch.activations.len() / (n_values / 64);
    let room = room / POSITION_PADDING * POSITION_PADDING;
    let has_room = room > 0 && scratch.codes.len() >= MAX_TILE_PANELS * n_values / 4;
    assert!(has_room, "the scratch was made for shorter rows");
    for first in (0..batch.n_positions()).step_by(room) {
        let mut part = Part {
            kernel,
            n: room.min(batch.n_positions() - first),
            first,
            batch,
            n_values,
        };
        part.multiply(weights, scratch);
    }
    batch.n_positions() * n_rows * weights.n_cols
}

/// The positions for which the scratch memory has room.
struct Part<'a, K> {
    kernel: &'a K,
    batch: &'a mut dyn GemmBatch,
    /// First position in the batch.
    first: usize,
    /// Positions.
    n: usize,
    /// Elements of a row, including padding.
    n_values: usize,
}

impl<K: TileKernel> Part<'_, K> {
    fn multiply(&mut self, weights: TernaryRows, scratch: &mut GemmScratch) {
        const {
            assert!(K::TILE_PANELS <= MAX_TILE_PANELS);
            assert!(K::TILE_PANELS.is_multiple_of(K::STRIP_PANELS));
            assert!(K::BLOCK_POSITIONS <= MAX_BLOCK_POSITIONS);
            assert!(K::BLOCK_POSITIONS.is_multiple_of(K::POSITION_UNIT));
            assert!(POSITION_PADDING.is_multiple_of(K::POSITION_UNIT));
        }
        for first in (0..self.n).step_by(self.block_len()) {
            self.pack(first, &mut scratch.activations);
        }
        let n_rows = weights.n_rows;
        let tile_rows = K::TILE_PANELS * PANEL_ROWS;
        let strip_lines = K::STRIP_PANELS * self.n_values / 4;
        for first_row in (0..n_rows).step_by(tile_rows) {
            let rows = weights.rows(first_row, tile_rows.min(n_rows - first_row));
            let n_strips = rows.n_rows.div_ceil(PANEL_ROWS * K::STRIP_PANELS);
            let codes = &mut scratch.codes[..n_strips * strip_lines];
            self.kernel.packing().unpack_tile(rows, codes);
            for first in (0..self.n).step_by(self.block_len()) {
                let block = self.block(first, &scratch.activations);
                for (i, strip) in codes.chunks_exact(strip_lines).enumerate() {
                    let sums = &mut scratch.sums[i * K::STRIP_PANELS..];
                    self.kernel.multiply(strip, block, sums);
                }
                self.scale(first, first_row, rows, &scratch.sums);
            }
        }
    }

    /// Positions of every block but the last. Blocks are of equal size, without a small rest.
    fn block_len(&self) -> usize {
        let n_blocks = self.n.div_ceil(K::BLOCK_POSITIONS);
        self.n.div_ceil(n_blocks).next_multiple_of(K::POSITION_UNIT)
    }

    /// Positions of the block that starts at `first`.
    fn len_at(&self, first: usize) -> usize {
        self.block_len().min(self.n - first)
    }

    fn block<'a>(&self, first: usize, activations: &'a [ActivationLine]) -> Block<'a> {
        let n = self.len_at(first).next_multiple_of(K::POSITION_UNIT);
        let lines = self.n_values / 64;
        Block {
            activations: &activations[first * lines..(first + n) * lines],
            n,
            sums_stride: K::TILE_PANELS,
        }
    }

    /// Packs the activations of the block that starts at `first`.
    fn pack(&mut self, first: usize, activations: &mut [ActivationLine]) {
        let block = self.block(first, activations);
        let (n, len) = (block.n, block.activations.len());
        let out = &mut activations[first * self.n_values / 64..][..len];
        let n_real = self.len_at(first);
        for p in 0..n_real {
            let (activations, _) = self.batch.position(self.first + first + p);
            let (values, _) = activations.values[..self.n_values].as_chunks::<64>();
            for (out, values) in out[p..].iter_mut().step_by(n).zip(values) {
                *out = Line(*values);
            }
        }
        for p in n_real..n {
            for out in out[p..].iter_mut().step_by(n) {
                *out = Line([0; 64]);
            }
        }
    }

    /// Writes the outputs of a tile for the block that starts at `first`.
    fn scale(&mut self, first: usize, first_row: usize, rows: TernaryRows, sums: &[SumLine]) {
        let n_rows = rows.n_rows;
        let sums = sums.chunks_exact(K::TILE_PANELS);
        for (p, sums) in (0..self.len_at(first)).zip(sums) {
            let (activations, out) = self.batch.position(self.first + first + p);
            let scale = rows.scale * activations.scale;
            let out = &mut out[first_row..first_row + n_rows];
            self.kernel
                .packing()
                .scale_sums(sums, activations.sum, scale, out);
        }
    }
}
