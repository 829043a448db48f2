//! Operations that handle each position by itself.

use super::PositionState;
use crate::{engine::Engine, error::RunError, ledger::Ledger, workers::Scratch};

/// Runs `job` on each position with the ledger of its thread. The threads share the positions.
pub(super) fn each_position(
    engine: &Engine,
    states: &mut [PositionState],
    scratch: &mut [Scratch],
    job: impl Fn(&mut PositionState, &mut Ledger) -> Result<(), RunError> + Sync,
) -> Result<(), RunError> {
    let shape = engine.model.shape();
    // A few passes over the longest vectors.
    let work = 4 * (shape.n_embd + shape.n_ff) as usize;
    let shares = engine.workers.shares(states.len() * work);
    let parts = shares.split(states, 1);
    engine.workers.run(parts, scratch, |(_, states), scratch| {
        states
            .iter_mut()
            .try_for_each(|state| job(state, &mut scratch.ledger))
    })
}
