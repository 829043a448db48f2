//! How far a replay is.

use super::units::Unit;
use crate::{sandbox::GuestShape, task::Task};

/// Called with the calls done and the calls in all.
pub type ReplayProgress<'p> = &'p mut dyn FnMut(u64, u64);

/// Counts compute calls.
pub(super) struct Meter<'p> {
    done: u64,
    total: u64,
    progress: ReplayProgress<'p>,
}

impl<'p> Meter<'p> {
    pub(super) fn new(shape: &GuestShape, task: &Task, progress: ReplayProgress<'p>) -> Self {
        let total = task.n_positions() as u64 * shape.n_layers
            + task.n_generate as u64 * shape.n_head_chunks;
        Self {
            done: 0,
            total,
            progress,
        }
    }

    /// Of some units alone.
    pub(super) fn of_units(
        shape: &GuestShape,
        task: &Task,
        units: &[Unit],
        progress: ReplayProgress<'p>,
    ) -> Self {
        let calls = |unit: &Unit| match unit {
            Unit::Layer(_) => task.n_positions() as u64,
            Unit::Head(positions) => {
                let choices = positions.clone().filter(|&p| task.chooses_at(p));
                choices.count() as u64 * shape.n_head_chunks
            }
        };
        Self {
            done: 0,
            total: units.iter().map(calls).sum(),
            progress,
        }
    }

    pub(super) fn tick(&mut self) {
        // What has to be computed again is not counted twice.
        self.done = self.total.min(self.done + 1);
        (self.progress)(self.done, self.total);
    }
}
