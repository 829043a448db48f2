//! The output matrix, of either kind, with the kernels that multiply it.

use crate::{
    engine::Engine,
    error::{RunError, non_finite},
    kernels::Kernels,
    ledger::{Ledger, Op, Recorder},
    model::VocabularyMatrix,
    operands::{DenseRows, GroupedRows, PANEL_ROWS, ROW_UNIT},
    run::PositionState,
};

/// Rows of the output matrix.
#[derive(Debug, Clone, Copy)]
pub(super) enum OutputRows<'a> {
    /// Dense rows, multiplied with the hidden state.
    Dense(DenseRows<'a>),
    /// Grouped ternary rows, multiplied with the quantized hidden state.
    Grouped(GroupedRows<'a>),
}

impl<'a> OutputRows<'a> {
    /// The whole output matrix.
    pub(super) fn of(engine: &'a Engine) -> Self {
        match engine.model.output() {
            VocabularyMatrix::Dense(matrix) => {
                Self::Dense(DenseRows::of(matrix, engine.model.file_bytes()))
            }
            VocabularyMatrix::Grouped(_) => {
                let rows = engine.panels.output();
                Self::Grouped(rows.expect("grouped matrices are in panels"))
            }
        }
    }

    pub(super) fn n_cols(&self) -> usize {
        match self {
            Self::Dense(rows) => rows.n_cols,
            Self::Grouped(rows) => rows.n_cols,
        }
    }

    /// Rows are divided in multiples of this.
    pub(super) fn unit(&self) -> usize {
        match self {
            Self::Dense(_) => ROW_UNIT,
            Self::Grouped(_) => PANEL_ROWS,
        }
    }

    /// The `n` rows from `first` on, which starts a unit.
    pub(super) fn rows(&self, first: usize, n: usize) -> Self {
        match self {
            Self::Dense(rows) => Self::Dense(rows.rows(first, n)),
            Self::Grouped(rows) => Self::Grouped(rows.rows(first, n)),
        }
    }

    /// Quantizes the hidden state at the position of `state`, if the product needs that.
    ///
    /// # Errors
    /// The scale of a block rounds to an infinity.
    pub(super) fn quantize(
        &self,
        state: &mut PositionState,
        kernels: &dyn Kernels,
        ledger: &mut Ledger,
    ) -> Result<(), RunError> {
        let Self::Grouped(_) = self else {
            return Ok(());
        };
        let (hidden, quantized) = (&state.normed, &mut state.normed_q8);
        let recorder = ledger.op(Op::OutputQuantize);
        let quantized = kernels.quantize_blocks(hidden, quantized, recorder);
        quantized.map_err(non_finite(state.position, None, Op::OutputQuantize))
    }

    /// The product of all rows with the hidden state of `state`, which was quantized if need be.
    pub(super) fn gemv(
        &self,
        state: &PositionState,
        out: &mut [f32],
        kernels: &dyn Kernels,
        recorder: &mut Recorder,
    ) {
        match self {
            Self::Dense(rows) => kernels.output_gemv(*rows, &state.normed, out, recorder),
            Self::Grouped(rows) => kernels.grouped_gemv(*rows, &state.normed_q8, out, recorder),
        }
    }
}
