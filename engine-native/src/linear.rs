//! A ternary projection over one position (rows shared out) or many (positions shared out).

use crate::{
    error::RunError,
    kernels::{GEMM_POSITIONS, Kernels, QuantizedActivations, TernaryRows},
    ledger::Recorder,
    model::TernaryMatrix,
    op::Op,
    position::PositionState,
    workers::{Scratch, Workers},
};

/// Where a projection reads and writes in a position's buffers.
pub(crate) type Ends = fn(&mut PositionState) -> (&QuantizedActivations, &mut [f32]);

/// Rows are shared out in multiples of what a kernel computes together.
const ROW_UNIT: usize = 4;

/// One ternary projection of a layer.
pub(crate) struct Projection<'a> {
    pub op: Op,
    pub matrix: &'a TernaryMatrix,
    pub ends: Ends,
}

impl Projection<'_> {
    /// Computes the projection for every position in `states`.
    pub(crate) fn run(
        &self,
        file: &[u8],
        kernels: &dyn Kernels,
        states: &mut [PositionState],
        workers: &Workers,
        scratch: &mut [Scratch],
    ) -> Result<(), RunError> {
        let weights = TernaryRows {
            packed: self.matrix.packed(file),
            n_cols: self.matrix.n_cols,
            scale: self.matrix.scale,
        };
        if let [state] = states {
            let (activations, out) = (self.ends)(state);
            let part_len = workers.part_len(out.len(), weights.n_cols, ROW_UNIT);
            let parts = out.chunks_mut(part_len).enumerate();
            return workers.run(parts, scratch, |(i, out), scratch| {
                let rows = weights.rows(i * part_len, out.len());
                kernels.ternary_gemv(rows, activations, out, scratch.ledger.op(self.op));
                Ok(())
            });
        }
        let work = weights.n_cols * self.matrix.n_rows;
        let part_len = workers.part_len(states.len(), work, GEMM_POSITIONS);
        let parts = states.chunks_mut(part_len);
        workers.run(parts, scratch, |states, scratch| {
            self.gemm(weights, kernels, states, scratch.ledger.op(self.op));
            Ok(())
        })
    }

    fn gemm(
        &self,
        weights: TernaryRows,
        kernels: &dyn Kernels,
        states: &mut [PositionState],
        recorder: &mut Recorder,
    ) {
        let (groups, rest) = states.as_chunks_mut::<GEMM_POSITIONS>();
        for group in groups {
            let [a, b, c, d] = group.each_mut().map(self.ends);
            let activations = [a.0, b.0, c.0, d.0];
            kernels.ternary_gemm(weights, &activations, &mut [a.1, b.1, c.1, d.1], recorder);
        }
        for state in rest {
            let (activations, out) = (self.ends)(state);
            kernels.ternary_gemm(weights, &[activations], &mut [out], recorder);
        }
    }
}
