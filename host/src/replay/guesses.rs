//! What a replay may start from that it does not believe.

use engine_native::PositionTrace;

use crate::{sandbox::GuestShape, task::Task};

/// What several guests start from at once.
#[derive(Debug, Clone, Copy)]
pub struct Guesses<'t> {
    /// Residual streams of a native run, `[n_positions]`. Nothing is believed of them.
    pub traces: &'t [PositionTrace],
    /// Guests that work at once, at least 1.
    pub guests: usize,
}

impl Guesses<'_> {
    /// Whether they have the form of the task's own.
    pub(super) fn fit(&self, task: &Task, shape: &GuestShape) -> bool {
        let (n_layers, n_embd) = (shape.n_layers as usize, shape.n_embd as usize);
        let fits =
            |t: &PositionTrace| t.hidden.len() == n_embd && t.boundaries.len() == n_layers * n_embd;
        self.traces.len() == task.n_positions() && self.traces.iter().all(fits)
    }
}
