//! Grouped ternary weights in the layout that all kernels read: panels of 16 rows ([`GroupedRows`]).
//!
//! A file has such weights row by row, with scales between the codes. They are repacked once, into
//! huge pages, and decoding and prefill share the result: kernels have no other form of them.

mod repack;
#[cfg(test)]
mod tests;

use std::{iter, ops::Range};

use crate::{
    all_cores,
    error::{RunError, check_cancelled},
    huge_pages::HugePages,
    ledger::Op,
    model::{GroupedMatrix, Layer, Model, Projection, VocabularyMatrix},
    observer::Observer,
    operands::{GroupedRows, PANEL_ROWS, PanelBytes},
};
use repack::{Format, Piece};

/// Panels that a thread repacks before it asks the observer again.
const PANELS_OF_PIECE: usize = 16;

/// All grouped ternary matrices of a model, in panels.
#[derive(Debug)]
pub(crate) struct Panels {
    /// All codes; empty for a model without such matrices.
    codes: HugePages,
    /// All scales.
    scales: HugePages,
    /// Where each matrix lies, in the order of [`matrices`].
    places: Vec<Place>,
    n_projections: usize,
    token_embd: Option<usize>,
    output: Option<usize>,
}

/// Where a matrix lies, and its size.
#[derive(Debug, Clone)]
struct Place {
    codes: Range<usize>,
    scales: Range<usize>,
    n_rows: usize,
    n_cols: usize,
    group_len: usize,
}

/// All grouped matrices of `model`, in the order in which they lie in memory: the projections of each
/// layer, the token embedding, and an output matrix of its own.
fn matrices(model: &Model) -> impl Iterator<Item = &GroupedMatrix> {
    let projections = model.layers().iter().flat_map(Layer::projections);
    let output = (!model.is_tied()).then(|| model.output());
    let vocabulary = iter::once(model.token_embd()).chain(output);
    projections
        .filter_map(Projection::grouped)
        .chain(vocabulary.filter_map(VocabularyMatrix::grouped))
}

fn panel_bytes(matrix: &GroupedMatrix) -> PanelBytes {
    PanelBytes::of(matrix.n_rows, matrix.n_cols, matrix.group_len)
}

impl Panels {
    /// Bytes that [`Panels::new`] will allocate.
    pub(crate) fn bytes_to_pack(model: &Model) -> usize {
        let bytes = matrices(model).map(panel_bytes);
        bytes.map(|bytes| bytes.codes + bytes.scales).sum()
    }

    /// Repacks the grouped matrices of `model`, on all cores.
    ///
    /// # Errors
    /// `observer` stopped it.
    pub(crate) fn new(model: &Model, observer: &dyn Observer) -> Result<Self, RunError> {
        let mut end = PanelBytes {
            codes: 0,
            scales: 0,
        };
        let place = |matrix: &GroupedMatrix| {
            let (start, bytes) = (end, panel_bytes(matrix));
            end.codes += bytes.codes;
            end.scales += bytes.scales;
            Place {
                codes: start.codes..end.codes,
                scales: start.scales..end.scales,
                n_rows: matrix.n_rows,
                n_cols: matrix.n_cols,
                group_len: matrix.group_len,
            }
        };
        let places: Vec<_> = matrices(model).map(place).collect();
        let projections = model.layers().iter().flat_map(Layer::projections);
        let n_projections = projections.filter_map(Projection::grouped).count();
        let token_embd = model.token_embd().grouped().map(|_| n_projections);
        let output = match model.is_tied() {
            true => token_embd,
            false => model.output().grouped().map(|_| places.len() - 1),
        };
        let mut panels = Self {
            codes: HugePages::zeroed(end.codes),
            scales: HugePages::zeroed(end.scales),
            places,
            n_projections,
            token_embd,
            output,
        };
        panels.fill(model, observer)?;
        Ok(panels)
    }

    /// Repacks every panel, on all cores.
    fn fill(&mut self, model: &Model, observer: &dyn Observer) -> Result<(), RunError> {
        let mut codes = self.codes.as_mut_slice();
        let mut scales = self.scales.as_mut_slice();
        let mut pieces = Vec::new();
        for matrix in matrices(model) {
            let bytes = panel_bytes(matrix);
            let (of_matrix, rest) = codes.split_at_mut(bytes.codes);
            codes = rest;
            let of_piece = |n_bytes: usize| {
                let panels = matrix.n_rows.div_ceil(PANEL_ROWS);
                n_bytes / panels * PANELS_OF_PIECE
            };
            let codes_of_pieces = of_matrix.chunks_mut(of_piece(bytes.codes));
            let (of_matrix, rest) = scales.split_at_mut(bytes.scales);
            scales = rest;
            let scales_of_pieces = of_matrix.chunks_mut(of_piece(bytes.scales));
            let format = Format {
                grouped_type: matrix.grouped_type,
                n_cols: matrix.n_cols,
                group_len: matrix.group_len,
            };
            let row_bytes = matrix.grouped_type.row_bytes(matrix.n_cols);
            let rows = matrix.rows(model.file_bytes());
            let rows_of_pieces = rows.chunks(PANELS_OF_PIECE * PANEL_ROWS * row_bytes);
            let outs = codes_of_pieces.zip(scales_of_pieces);
            pieces.extend(
                rows_of_pieces
                    .zip(outs)
                    .map(|(rows, (codes, scales))| Piece {
                        format,
                        rows,
                        codes,
                        scales,
                    }),
            );
        }
        let results = all_cores::map(pieces.into_iter(), |piece| {
            check_cancelled(observer)?;
            let n_bytes = piece.codes.len() + piece.scales.len();
            piece.repack();
            observer.advance(n_bytes as u64);
            Ok::<_, RunError>(())
        });
        results.into_iter().collect()
    }

    /// Bytes allocated.
    pub(crate) fn allocated(&self) -> usize {
        self.codes.as_slice().len() + self.scales.as_slice().len()
    }

    /// All codes.
    pub(crate) fn codes(&self) -> &[u8] {
        self.codes.as_slice()
    }

    /// The projection `op` of `layer`; `None` if projections are not grouped.
    pub(crate) fn projection(&self, layer: usize, op: Op) -> Option<GroupedRows<'_>> {
        let index = op.projection_place(layer);
        (index < self.n_projections).then(|| self.rows(index))
    }

    /// The token embedding; `None` if it is dense.
    pub(crate) fn token_embd(&self) -> Option<GroupedRows<'_>> {
        self.token_embd.map(|index| self.rows(index))
    }

    /// The output matrix; `None` if it is dense.
    pub(crate) fn output(&self) -> Option<GroupedRows<'_>> {
        self.output.map(|index| self.rows(index))
    }

    fn rows(&self, index: usize) -> GroupedRows<'_> {
        let place = &self.places[index];
        GroupedRows {
            codes: &self.codes.as_slice()[place.codes.clone()],
            scales: &self.scales.as_slice()[place.scales.clone()],
            n_rows: place.n_rows,
            n_cols: place.n_cols,
            group_len: place.group_len,
        }
    }
}
