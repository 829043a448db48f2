//! Ternary projections with one input, over one position (rows shared out) or many (positions
//! shared out).

use crate::{
    decode_weights::DecodeWeights,
    error::RunError,
    kernels::{GEMM_POSITIONS, Kernels, QuantizedActivations, TernaryRows},
    ledger::Recorder,
    model::Model,
    op::Op,
    position::PositionState,
    workers::{Scratch, Workers},
};

/// Where N projections read and write in a position's buffers.
pub(crate) type Ends<const N: usize> =
    fn(&mut PositionState) -> (&QuantizedActivations, [&mut [f32]; N]);

/// Rows are shared out in multiples of what kernels compute together.
const ROW_UNIT: usize = 4;

/// N projections of a layer that have the same input: one pass, one wait for the other threads.
pub(crate) struct Projections<const N: usize> {
    pub ops: [Op; N],
    pub layer: usize,
    pub ends: Ends<N>,
}

impl<const N: usize> Projections<N> {
    /// Computes the projections for every position in `states`.
    pub(crate) fn run(
        &self,
        (model, weights): (&Model, &DecodeWeights),
        kernels: &dyn Kernels,
        states: &mut [PositionState],
        workers: &Workers,
        scratch: &mut [Scratch],
    ) -> Result<(), RunError> {
        if let [state] = states {
            let rows = self.ops.map(|op| weights.rows(model, self.layer, op));
            return self.gemv(rows, kernels, state, workers, scratch);
        }
        for (i, op) in self.ops.into_iter().enumerate() {
            let rows = model.layers()[self.layer].projection(op);
            let rows = rows.rows(model.file_bytes());
            let work = rows.n_rows * rows.n_cols;
            let part_len = workers.part_len(states.len(), work, GEMM_POSITIONS);
            let parts = states.chunks_mut(part_len);
            workers.run(parts, scratch, |states, scratch| {
                self.gemm(i, rows, kernels, states, scratch.ledger.op(op));
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Every thread takes its share of the rows of each projection.
    fn gemv(
        &self,
        rows: [TernaryRows; N],
        kernels: &dyn Kernels,
        state: &mut PositionState,
        workers: &Workers,
        scratch: &mut [Scratch],
    ) -> Result<(), RunError> {
        let (activations, mut outs) = (self.ends)(state);
        let work = rows.iter().map(|rows| rows.n_rows * rows.n_cols).sum();
        let n_parts = workers.n_parts(work);
        let start = |i: usize, part: usize| {
            let n_units = rows[i].n_rows.div_ceil(ROW_UNIT);
            (n_units * part / n_parts * ROW_UNIT).min(rows[i].n_rows)
        };
        let parts = (0..n_parts).map(|part| {
            let mut i = 0;
            let outs = outs.each_mut().map(|out| {
                let len = start(i, part + 1) - start(i, part);
                i += 1;
                out.split_off_mut(..len).unwrap_or_default()
            });
            (part, outs)
        });
        workers.run(parts, scratch, |(part, outs), scratch| {
            for (i, out) in outs.into_iter().enumerate() {
                let rows = rows[i].rows(start(i, part), out.len());
                let recorder = scratch.ledger.op(self.ops[i]);
                kernels.ternary_gemv(rows, activations, out, recorder);
            }
            Ok(())
        })
    }

    fn gemm(
        &self,
        i: usize,
        weights: TernaryRows,
        kernels: &dyn Kernels,
        states: &mut [PositionState],
        recorder: &mut Recorder,
    ) {
        let (groups, rest) = states.as_chunks_mut::<GEMM_POSITIONS>();
        let ends = |state| {
            let (activations, mut outs): (_, [&mut [f32]; N]) = (self.ends)(state);
            (activations, std::mem::take(&mut outs[i]))
        };
        for group in groups {
            let [a, b, c, d] = group.each_mut().map(ends);
            let activations = [a.0, b.0, c.0, d.0];
            kernels.ternary_gemm(weights, &activations, &mut [a.1, b.1, c.1, d.1], recorder);
        }
        for state in rest {
            let (activations, out) = ends(state);
            kernels.ternary_gemm(weights, &[activations], &mut [out], recorder);
        }
    }
}
