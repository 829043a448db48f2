//! The ternary product over many positions, in tiles: a tile of rows is unpacked once and meets all
//! positions, block by block, while it is in the cache.
//!
//! An ISA says how large its tiles are and multiplies them. Everything else is decided here. Sums
//! are integers and exact, so the order in which they are built does not matter.

use crate::operands::{
    ActivationLine, CodeLine, GemmBatch, GemmScratch, Line, MAX_BLOCK_POSITIONS, MAX_TILE_PANELS,
    PANEL_ROWS, POSITION_PADDING, RowLayout, SumLine, TernaryRows,
};

/// How an ISA multiplies unpacked weights and packed activations.
///
/// A tile is unpacked at once; a strip of it, one panel or more, is multiplied at once with a block
/// of positions.
pub trait TileKernel {
    /// Panels that are unpacked at once; a multiple of [`TileKernel::STRIP_PANELS`].
    const TILE_PANELS: usize;
    /// Panels that are multiplied at once.
    const STRIP_PANELS: usize;
    /// The most positions that are multiplied at once.
    const BLOCK_POSITIONS: usize;
    /// Positions of a block are filled up to a multiple of this.
    const POSITION_UNIT: usize;

    /// Unpacks tiles and scales sums.
    fn packing(&self) -> &impl TilePacking;

    /// `sums[p * sums_stride + s] = panels[s] · activations[p]` for the panels of a strip and the
    /// `n` positions of a block, a multiple of [`TileKernel::POSITION_UNIT`].
    fn multiply(&self, panels: &[CodeLine], block: Block, sums: &mut [SumLine]);
}

/// How the weights of a tile are unpacked, and its sums scaled.
pub trait TilePacking {
    /// Unpacks a tile into panels. Rows that the last panel lacks are copies of the last row.
    fn unpack_tile(&self, rows: TernaryRows, codes: &mut [CodeLine]);

    /// `out[r] = (sums[r] - activation_sum) · scale`.
    fn scale_sums(&self, sums: &[SumLine], activation_sum: i32, scale: f32, out: &mut [f32]);
}

/// Activations of a block of positions, and where the sums of each go.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// `[n_cols / 64][n]`
    pub activations: &'a [ActivationLine],
    /// Positions, with those that fill the block up.
    pub n: usize,
    /// Lines of sums from one position to the next.
    pub sums_stride: usize,
}

/// Multiplies every position of `batch`; returns the multiply-accumulates.
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

/// As many positions as the scratch has room for.
struct Part<'a, K> {
    kernel: &'a K,
    batch: &'a mut dyn GemmBatch,
    /// First position in the batch.
    first: usize,
    /// Positions.
    n: usize,
    /// Values of a row, with those that fill it up.
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

    /// Positions of every block but the last: equal shares, which leave no small rest.
    fn block_len(&self) -> usize {
        let n_blocks = self.n.div_ceil(K::BLOCK_POSITIONS);
        self.n.div_ceil(n_blocks).next_multiple_of(K::POSITION_UNIT)
    }

    /// Positions of the block from `first` on.
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

    /// Packs the activations of the block from `first` on.
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

    /// Writes the outputs of a tile for the block from `first` on.
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
