//! The progress of a replay.

use super::units::Unit;
use crate::{sandbox::GuestShape, task::Task};

/// Called with the number of compute calls done, and their total.
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

    /// A meter for some units only.
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
        // After a wrong guess, work is repeated; the count stops at the total.
        self.done = self.total.min(self.done + 1);
        (self.progress)(self.done, self.total);
    }
}
