//! The probe: sees the output of every operation, to find the first one that differs from a replay.

use super::PositionState;
use crate::ledger::Op;

/// The place of an operation in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePoint {
    /// Position.
    pub position: usize,
    /// Layer.
    pub layer: usize,
    /// Operation.
    pub op: Op,
}

/// The output of an operation, all elements.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum OpOutput<'a> {
    F32(&'a [f32]),
    I8(&'a [i8]),
}

/// Called with the output of each operation in each layer, in the order in which they run.
pub type Probe = Box<dyn FnMut(ProbePoint, OpOutput) + Send>;

/// The probe of a session, if it has one. Without one it costs a branch per operation.
#[derive(Default)]
pub(crate) struct ProbeSlot(pub(crate) Option<Probe>);

impl ProbeSlot {
    pub(crate) fn see(
        &mut self,
        op: Op,
        layer: usize,
        states: &mut [PositionState],
        output: impl Fn(&mut PositionState) -> OpOutput<'_>,
    ) {
        let Some(probe) = &mut self.0 else { return };
        for state in states {
            let position = state.position;
            let point = ProbePoint {
                position,
                layer,
                op,
            };
            probe(point, output(state));
        }
    }
}
