//! Ternary projections with the same input. At one position the threads share the rows; at many
//! they share the positions.

use std::ops::Range;

use super::{PositionState, projection_rows::ProjectionRows};
use crate::{
    engine::Engine,
    error::{RunError, check_cancelled},
    ledger::Op,
    observer::Observer,
    operands::{GemmBatch, QuantizedActivations},
    workers::Scratch,
};

/// Selects the input and the N outputs of projections in a position's buffers.
pub(crate) type Ends<const N: usize> =
    fn(&mut PositionState) -> (&QuantizedActivations, [&mut [f32]; N]);

/// Positions are divided in multiples of this, so that most blocks of positions are full.
const POSITION_UNIT: usize = 4;

/// N projections of a layer with the same input. In decode they are one parallel region, with one
/// wait for the other threads.
pub(crate) struct Projections<const N: usize> {
    pub ops: [Op; N],
    pub layer: usize,
    pub ends: Ends<N>,
}

impl<const N: usize> Projections<N> {
    /// Computes the projections at every position in `states`. At several positions the observer is asked
    /// before each projection.
    pub(crate) fn run(
        &self,
        engine: &Engine,
        states: &mut [PositionState],
        scratch: &mut [Scratch],
        observer: &dyn Observer,
    ) -> Result<(), RunError> {
        let workers = &engine.workers;
        if let [state] = states {
            return self.gemv(engine, state, scratch);
        }
        for (i, op) in self.ops.into_iter().enumerate() {
            check_cancelled(observer)?;
            let rows = ProjectionRows::for_several(engine, self.layer, op);
            let part_len = workers.part_len(states.len(), rows.work(), POSITION_UNIT);
            let parts = states.chunks_mut(part_len);
            workers.run(parts, scratch, |states, scratch| {
                let mut batch = Batch {
                    projections: self,
                    states,
                    i,
                };
                let (gemm, recorder) = (&mut scratch.gemm, scratch.ledger.op(op));
                rows.gemm(&mut batch, &*engine.kernels, gemm, recorder);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The input and the output of the `i`-th projection at one position.
    pub(crate) fn ends_of<'s>(
        &self,
        state: &'s mut PositionState,
        i: usize,
    ) -> (&'s QuantizedActivations, &'s mut [f32]) {
        let (activations, mut outs) = (self.ends)(state);
        (activations, std::mem::take(&mut outs[i]))
    }

    /// Computes the projections at one position. Each thread takes a share of the rows of each.
    fn gemv(
        &self,
        engine: &Engine,
        state: &mut PositionState,
        scratch: &mut [Scratch],
    ) -> Result<(), RunError> {
        let workers = &engine.workers;
        let rows: [_; N] = self
            .ops
            .map(|op| ProjectionRows::for_one(engine, self.layer, op));
        let (activations, mut outs) = (self.ends)(state);
        let units = rows.map(|rows| rows.n_rows().div_ceil(rows.unit()));
        let shares = workers.shares(rows.iter().map(ProjectionRows::work).sum());
        let parts = (0..shares.n_parts()).map(|part| {
            // The shares of all projections are laid end to end; a part is a range of them.
            let mine = units.map(|n| shares.share(shares.share_of(part), n));
            let part = shares.within_share(part, mine.iter().map(Range::len).sum());
            let mut before = 0;
            std::array::from_fn(|i| {
                let row = |at: usize| {
                    let unit = mine[i].start + at.saturating_sub(before).min(mine[i].len());
                    (unit * rows[i].unit()).min(rows[i].n_rows())
                };
                let (start, end) = (row(part.start), row(part.end));
                before += mine[i].len();
                let out = outs[i].split_off_mut(..end - start).unwrap_or_default();
                (start, out)
            })
        });
        workers.run(parts, scratch, |part: [(usize, &mut [f32]); N], scratch| {
            for (i, (start, out)) in part.into_iter().enumerate() {
                if !out.is_empty() {
                    let recorder = scratch.ledger.op(self.ops[i]);
                    rows[i].gemv(start, activations, out, &*engine.kernels, recorder);
                }
            }
            Ok(())
        })
    }
}

/// The batch of one of the N projections.
struct Batch<'a, const N: usize> {
    projections: &'a Projections<N>,
    states: &'a mut [PositionState],
    /// Index of the projection.
    i: usize,
}

impl<const N: usize> GemmBatch for Batch<'_, N> {
    fn n_positions(&self) -> usize {
        self.states.len()
    }

    fn position(&mut self, i: usize) -> (&QuantizedActivations, &mut [f32]) {
        self.projections.ends_of(&mut self.states[i], self.i)
    }
}
