//! Guesses from which several guests can start a replay at once.

use engine_native::PositionTrace;

use crate::{sandbox::GuestShape, task::Task};

/// Residual streams from which several guests start at once. A wrong guess costs time, but does not
/// change the result.
#[derive(Debug, Clone, Copy)]
pub struct Guesses<'t> {
    /// The traces of a native run, `[n_positions]`.
    pub traces: &'t [PositionTrace],
    /// Number of guests that work at once, at least 1.
    pub guests: usize,
}

impl Guesses<'_> {
    /// Whether the traces have the shape of traces of `task`.
    pub(super) fn fit(&self, task: &Task, shape: &GuestShape) -> bool {
        let (n_layers, n_embd) = (shape.n_layers as usize, shape.n_embd as usize);
        let fits =
            |t: &PositionTrace| t.hidden.len() == n_embd && t.boundaries.len() == n_layers * n_embd;
        self.traces.len() == task.n_positions() && self.traces.iter().all(fits)
    }
}
