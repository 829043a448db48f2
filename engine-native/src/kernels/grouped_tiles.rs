//! Tiled grouped ternary GEMM: a tile of panels is unpacked once and multiplied with all positions,
//! block by block, while it is in the cache.
//!
//! An ISA supplies the unpacking and the multiplication; the rest is here.

use crate::operands::{
    CodeLine, FloatLine, GROUP_COLS, GROUPED_TILE_PANELS, GemmBatch, GemmScratch, GroupActivations,
    GroupedRows, Line, PANEL_ROWS,
};

/// How an ISA multiplies grouped weights and activations.
pub trait GroupedTileKernel {
    /// The most positions of a block; at most [`MAX_POSITIONS`].
    const BLOCK_POSITIONS: usize;

    /// The functions that unpack panels.
    fn packing(&self) -> &impl GroupedTilePacking;

    /// Computes the products of the rows of a panel with each position of a block, `out[p]`.
    fn multiply(&self, panel: Panel, block: &[GroupActivations], out: &mut [FloatLine]);
}

/// How panels are unpacked.
pub trait GroupedTilePacking {
    /// Unpacks the codes of a panel, `[n_cols / 4]` lines of four columns each.
    fn unpack(&self, codes: &[u8], lines: &mut [CodeLine]);

    /// Widens the scales of a panel, `[n_cols / 64]` lines; each is used for `repeat` of them.
    fn widen(&self, scales: &[u8], repeat: usize, lines: &mut [FloatLine]);
}

/// The most positions of a block of any ISA.
pub const MAX_POSITIONS: usize = 8;

/// The unpacked weights of a panel.
#[derive(Clone, Copy)]
pub struct Panel<'a> {
    /// Codes of four columns of the rows, `[n_cols / 4]`.
    pub codes: &'a [CodeLine],
    /// Scales of the rows, `[n_cols / 64]`.
    pub scales: &'a [FloatLine],
}

/// Computes the product for every position of `batch`. Returns the multiply-accumulates.
pub fn multiply<K: GroupedTileKernel>(
    kernel: &K,
    weights: GroupedRows,
    batch: &mut dyn GemmBatch,
    scratch: &mut GemmScratch,
) -> usize {
    const { assert!(K::BLOCK_POSITIONS <= MAX_POSITIONS) };
    weights.assert_whole();
    let n_groups = weights.n_cols / GROUP_COLS;
    let n_positions = batch.n_positions();
    let room = scratch.groups.len() / n_groups;
    let has_room = room > 0 && scratch.group_scales.len() >= GROUPED_TILE_PANELS * n_groups;
    assert!(has_room, "the scratch was made for shorter rows");
    for first in (0..n_positions).step_by(room) {
        let n = room.min(n_positions - first);
        let mut part = Part {
            kernel,
            batch,
            n_groups,
            first,
            n,
        };
        part.multiply(weights, scratch);
    }
    n_positions * weights.n_rows * weights.n_cols
}

/// The positions for which the scratch memory has room.
struct Part<'a, K> {
    kernel: &'a K,
    batch: &'a mut dyn GemmBatch,
    /// Groups of [`GROUP_COLS`] columns in a row.
    n_groups: usize,
    /// First position in the batch.
    first: usize,
    /// Positions.
    n: usize,
}

impl<K: GroupedTileKernel> Part<'_, K> {
    fn multiply(&mut self, weights: GroupedRows, scratch: &mut GemmScratch) {
        let (n_groups, n_lines) = (self.n_groups, self.n_groups * GROUP_COLS / 4);
        for first in (0..self.n).step_by(self.block_len()) {
            let len = self.len_at(first) * n_groups;
            self.pack(
                first,
                weights,
                &mut scratch.groups[first * n_groups..][..len],
            );
        }
        let tile_rows = GROUPED_TILE_PANELS * PANEL_ROWS;
        for first_row in (0..weights.n_rows).step_by(tile_rows) {
            let tile = weights.rows(first_row, tile_rows.min(weights.n_rows - first_row));
            let n_panels = tile.n_rows.div_ceil(PANEL_ROWS);
            self.unpack(tile, n_panels, scratch);
            for first in (0..self.n).step_by(self.block_len()) {
                let n = self.len_at(first);
                let block = &scratch.groups[first * n_groups..][..n * n_groups];
                for i in 0..n_panels {
                    let panel = Panel {
                        codes: &scratch.codes[i * n_lines..][..n_lines],
                        scales: &scratch.group_scales[i * n_groups..][..n_groups],
                    };
                    let mut sums = [Line([0.0; PANEL_ROWS]); MAX_POSITIONS];
                    self.kernel.multiply(panel, block, &mut sums[..n]);
                    self.store(first, first_row + i * PANEL_ROWS, &sums[..n]);
                }
            }
        }
    }

    /// Positions of every block but the last. Blocks are of equal size, without a small rest.
    fn block_len(&self) -> usize {
        let n_blocks = self.n.div_ceil(K::BLOCK_POSITIONS);
        self.n.div_ceil(n_blocks)
    }

    /// Positions of the block that starts at `first`.
    fn len_at(&self, first: usize) -> usize {
        self.block_len().min(self.n - first)
    }

    /// Packs the activations of the block that starts at `first`.
    fn pack(&mut self, first: usize, weights: GroupedRows, out: &mut [GroupActivations]) {
        let n = self.len_at(first);
        for p in 0..n {
            let (x, y) = self.batch.position(self.first + first + p);
            weights.assert_fits(x, y.len());
            let (values, _) = x.values.as_chunks::<GROUP_COLS>();
            let (scales, _) = x.block_scales.as_chunks::<2>();
            let (sums, _) = x.block_sums.as_chunks::<2>();
            for (g, out) in out[p..].iter_mut().step_by(n).enumerate() {
                *out = GroupActivations {
                    values: values[g],
                    scales: scales[g],
                    minus_sums: sums[g].map(|sum| -sum),
                };
            }
        }
    }

    fn unpack(&self, tile: GroupedRows, n_panels: usize, scratch: &mut GemmScratch) {
        let repeat = tile.group_len / GROUP_COLS;
        let codes = tile.codes.chunks_exact(tile.codes.len() / n_panels);
        let scales = tile.scales.chunks_exact(tile.scales.len() / n_panels);
        let lines = scratch
            .codes
            .chunks_exact_mut(self.n_groups * GROUP_COLS / 4);
        let scale_lines = scratch.group_scales.chunks_exact_mut(self.n_groups);
        for ((codes, scales), (lines, scale_lines)) in codes.zip(scales).zip(lines.zip(scale_lines))
        {
            self.kernel.packing().unpack(codes, lines);
            self.kernel.packing().widen(scales, repeat, scale_lines);
        }
    }

    /// Stores the products of a panel whose first row is `row`.
    fn store(&mut self, first: usize, row: usize, sums: &[FloatLine]) {
        for (p, sums) in sums.iter().enumerate() {
            let (_, out) = self.batch.position(self.first + first + p);
            let rest = &mut out[row..];
            let n = rest.len().min(PANEL_ROWS);
            rest[..n].copy_from_slice(&sums.0[..n]);
        }
    }
}
