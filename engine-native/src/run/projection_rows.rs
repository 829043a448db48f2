//! The rows of a projection, of either kind, with the kernels that multiply them.

use crate::{
    decode_weights,
    engine::Engine,
    kernels::Kernels,
    ledger::{Op, Recorder},
    operands::{
        GemmBatch, GemmScratch, GroupedRows, PANEL_ROWS, QuantizedActivations, ROW_UNIT,
        TernaryRows,
    },
};

/// The rows of a projection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ProjectionRows<'a> {
    /// With one scale for the matrix.
    OneScale(TernaryRows<'a>),
    /// With a scale for each group of weights.
    Grouped(GroupedRows<'a>),
}

impl<'a> ProjectionRows<'a> {
    /// The projection `op` of `layer`, laid out for a product with one position.
    pub(crate) fn for_one(engine: &'a Engine, layer: usize, op: Op) -> Self {
        let one_scale = || {
            let weights = &engine.decode_weights;
            weights.projection(&engine.model, layer, op)
        };
        Self::find(engine, layer, op, one_scale)
    }

    /// The projection `op` of `layer`, laid out for a product with several positions.
    pub(super) fn for_several(engine: &'a Engine, layer: usize, op: Op) -> Self {
        let one_scale = || decode_weights::projection(&engine.model, layer, op);
        Self::find(engine, layer, op, one_scale)
    }

    fn find(
        engine: &'a Engine,
        layer: usize,
        op: Op,
        one_scale: impl FnOnce() -> Option<TernaryRows<'a>>,
    ) -> Self {
        let grouped = engine.panels.projection(layer, op).map(Self::Grouped);
        let found = grouped.or_else(|| one_scale().map(Self::OneScale));
        found.expect("a projection is of one kind or the other")
    }

    pub(super) fn n_rows(&self) -> usize {
        match self {
            Self::OneScale(rows) => rows.n_rows,
            Self::Grouped(rows) => rows.n_rows,
        }
    }

    /// Bytes of the weights in this layout.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::OneScale(rows) => rows.packed.len(),
            Self::Grouped(rows) => rows.codes.len() + rows.scales.len(),
        }
    }

    /// Multiply-accumulates of the product with one position.
    pub(super) fn work(&self) -> usize {
        match self {
            Self::OneScale(rows) => rows.n_rows * rows.n_cols,
            Self::Grouped(rows) => rows.n_rows * rows.n_cols,
        }
    }

    /// Rows are divided in multiples of this.
    pub(super) fn unit(&self) -> usize {
        match self {
            Self::OneScale(_) => ROW_UNIT,
            Self::Grouped(_) => PANEL_ROWS,
        }
    }

    /// The product of the rows from `first` on with one position, one for each element of `out`.
    pub(super) fn gemv(
        &self,
        first: usize,
        activations: &QuantizedActivations,
        out: &mut [f32],
        kernels: &dyn Kernels,
        recorder: &mut Recorder,
    ) {
        match self {
            Self::OneScale(rows) => {
                let rows = rows.rows(first, out.len());
                kernels.ternary_gemv(rows, activations, out, recorder);
            }
            Self::Grouped(rows) => {
                let rows = rows.rows(first, out.len());
                kernels.grouped_gemv(rows, activations, out, recorder);
            }
        }
    }

    /// The product of all rows with several positions.
    pub(super) fn gemm(
        &self,
        batch: &mut dyn GemmBatch,
        kernels: &dyn Kernels,
        scratch: &mut GemmScratch,
        recorder: &mut Recorder,
    ) {
        match self {
            Self::OneScale(rows) => kernels.ternary_gemm(*rows, batch, scratch, recorder),
            Self::Grouped(rows) => kernels.grouped_gemm(*rows, batch, scratch, recorder),
        }
    }
}
