//! A second copy of ternary weights with one scale, in the layout that the decode kernels read fastest.
//!
//! A decode step is memory-bound: it reads every weight once and computes little with it. So the
//! rows are laid out for the kernels ([`RowLayout`]), with fewer bits where that pays, in one
//! buffer of huge pages; without those, page walks would cost a fifth of the bandwidth. Prefill
//! uses the packed rows of the model.

mod repack;

use std::ops::Range;

use crate::{
    all_cores,
    error::{RunError, check_cancelled},
    huge_pages::{FROM_MEMORY_BYTES, HugePages},
    kernels::Kernels,
    ledger::Op,
    model::{Layer, Model, Projection, TernaryMatrix},
    observer::Observer,
    operands::{RowLayout, TernaryRows},
};

/// Groups of rows that a thread repacks before it asks the observer again.
const GROUPS_OF_PIECE: usize = 32;

/// Layout of the ternary weights for decoding. It has no meaning for grouped ones, whose panels all
/// kernels read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// The fastest for the kernels and the size of the model.
    #[default]
    Auto,
    /// The model's own rows, without a copy.
    Off,
    /// Two bits per weight.
    TwoBit,
    /// The fewest bits per weight that the kernels have SIMD code for.
    Densest,
}

impl Packing {
    /// The layout of `model`'s rows for `kernels`.
    fn row_layout(self, model: &Model, kernels: &dyn Kernels) -> RowLayout {
        let two_bit = kernels.row_layout();
        match self {
            // A denser layout takes longer to unpack, which pays only where memory is the
            // bottleneck.
            Self::Auto if rows_bytes(model, two_bit) >= FROM_MEMORY_BYTES => {
                kernels.densest_row_layout()
            }
            Self::Auto | Self::TwoBit => two_bit,
            Self::Off => RowLayout::Rows,
            Self::Densest => kernels.densest_row_layout(),
        }
    }
}

/// The projections of all layers, laid out for decoding.
#[derive(Debug)]
pub(crate) struct DecodeWeights {
    layout: RowLayout,
    /// Empty when the model's own rows are used.
    bytes: HugePages,
    /// Where each projection lies: by layer, then in the order of [`Layer::projections`].
    ranges: Vec<Range<usize>>,
}

impl DecodeWeights {
    /// Bytes that [`DecodeWeights::new`] will allocate.
    pub(crate) fn bytes_to_pack(model: &Model, kernels: &dyn Kernels, packing: Packing) -> usize {
        match packing.row_layout(model, kernels) {
            RowLayout::Rows => 0,
            layout => rows_bytes(model, layout),
        }
    }

    /// Lays out the weights of `model` for `kernels`.
    ///
    /// # Errors
    /// `observer` stopped it.
    pub(crate) fn new(
        model: &Model,
        kernels: &dyn Kernels,
        packing: Packing,
        observer: &dyn Observer,
    ) -> Result<Self, RunError> {
        let layout = packing.row_layout(model, kernels);
        let mut end = 0;
        let mut place = |matrix: &TernaryMatrix| {
            let start = end;
            end += matrix_bytes(matrix, layout);
            start..end
        };
        let ranges = match layout {
            RowLayout::Rows => Vec::new(),
            _ => projections(model).map(&mut place).collect(),
        };
        let mut bytes = HugePages::zeroed(end);
        fill(model, layout, bytes.as_mut_slice(), observer)?;
        Ok(Self {
            layout,
            bytes,
            ranges,
        })
    }

    /// Bytes allocated.
    pub(crate) fn allocated(&self) -> usize {
        self.bytes.as_slice().len()
    }

    /// All of the copied weights; empty when the model's own rows are used.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The projection `op` of `layer`; `None` if projections are grouped.
    pub(crate) fn projection<'a>(
        &'a self,
        model: &'a Model,
        layer: usize,
        op: Op,
    ) -> Option<TernaryRows<'a>> {
        let rows = projection(model, layer, op)?;
        Some(match self.ranges.get(op.projection_place(layer)) {
            None => rows,
            Some(range) => TernaryRows {
                layout: self.layout,
                packed: &self.bytes.as_slice()[range.clone()],
                ..rows
            },
        })
    }
}

/// The model's own rows of the projection `op` of `layer`; `None` if projections are grouped.
pub(crate) fn projection(model: &Model, layer: usize, op: Op) -> Option<TernaryRows<'_>> {
    let matrix = model.layers()[layer].projections()[op.projection_index()].one_scale()?;
    Some(matrix.rows(model.file_bytes()))
}

/// The projections of `model` that have one scale: all or none.
fn projections(model: &Model) -> impl Iterator<Item = &TernaryMatrix> {
    let projections = model.layers().iter().flat_map(Layer::projections);
    projections.filter_map(Projection::one_scale)
}

fn matrix_bytes(matrix: &TernaryMatrix, layout: RowLayout) -> usize {
    layout.bytes(matrix.n_rows, matrix.n_cols)
}

fn rows_bytes(model: &Model, layout: RowLayout) -> usize {
    projections(model).map(|m| matrix_bytes(m, layout)).sum()
}

/// Repacks every group of rows, on all cores.
fn fill(
    model: &Model,
    layout: RowLayout,
    mut bytes: &mut [u8],
    observer: &dyn Observer,
) -> Result<(), RunError> {
    if layout == RowLayout::Rows {
        return Ok(());
    }
    let group_rows = layout.group_rows();
    let mut pieces = Vec::new();
    for matrix in projections(model) {
        let (of_matrix, rest) = bytes.split_at_mut(matrix_bytes(matrix, layout));
        bytes = rest;
        let rows = matrix.rows(model.file_bytes());
        let (row_bytes, group_bytes) = (rows.row_bytes(), layout.bytes(group_rows, rows.n_cols));
        let groups = of_matrix.chunks_mut(GROUPS_OF_PIECE * group_bytes);
        let rows = rows.packed.chunks(GROUPS_OF_PIECE * group_rows * row_bytes);
        pieces.extend(groups.zip(rows).map(|(groups, rows)| Piece {
            groups,
            group_bytes,
            rows,
            row_bytes,
        }));
    }
    let results = all_cores::map(pieces.into_iter(), |piece| {
        check_cancelled(observer)?;
        let n_bytes = piece.groups.len();
        piece.repack(layout);
        observer.advance(n_bytes as u64);
        Ok::<_, RunError>(())
    });
    results.into_iter().collect()
}

/// Some groups of rows of a matrix, and where they go.
struct Piece<'a> {
    groups: &'a mut [u8],
    group_bytes: usize,
    rows: &'a [u8],
    row_bytes: usize,
}

impl Piece<'_> {
    fn repack(self, layout: RowLayout) {
        let groups = self.groups.chunks_exact_mut(self.group_bytes);
        let rows = self.rows.chunks(layout.group_rows() * self.row_bytes);
        for (group, rows) in groups.zip(rows) {
            repack::group(layout, rows, self.row_bytes, group);
        }
    }
}
