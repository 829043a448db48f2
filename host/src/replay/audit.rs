//! Computes some units of a replay from the traces of a native run. The transcript commits to both
//! the inputs and the outputs of a unit.

use std::fmt;

use engine_native::PositionTrace;

use super::{
    guesses::Guesses,
    guests::Guests,
    parallel::{Done, compute_units, same_bits},
    units::{Head, Unit, heads},
    work::units_work,
};
use crate::{
    sandbox::{ModelInput, Sandbox, SandboxError},
    task::Task,
};

/// The number of choices in a unit: about as much work as a layer in a run of usual length.
const CHOICES_OF_UNIT: usize = 8;

/// All units of a replay of `task` on a model with `n_layers` layers: first the layers, then the
/// head at a few positions each.
pub fn units_of(task: &Task, n_layers: usize) -> Vec<Unit> {
    let layers = (0..n_layers).map(Unit::Layer);
    let n_heads = task.n_generate.div_ceil(CHOICES_OF_UNIT);
    layers.chain(heads(task, n_heads)).collect()
}

/// The result of an audit.
#[derive(Debug)]
pub enum Audited {
    /// The reference computes the same values as the native run.
    Agrees,
    /// The reference computes other values.
    Differs(Finding),
}

/// Where the reference computes other values than the native run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The unit.
    pub unit: Unit,
    /// The first position in the unit that differs.
    pub position: usize,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { unit, position } = self;
        write!(
            f,
            "{unit}: the reference computes other values at position {position}"
        )
    }
}

/// Computes `units` in the sandbox, each from its input in the traces of a native run, and compares
/// the outputs with those traces.
///
/// # Errors
/// The guest rejects the file or a value, or the audit was interrupted.
pub fn audit(
    sandbox: &Sandbox,
    model: ModelInput,
    task: &Task,
    units: &[Unit],
    guesses: Guesses,
) -> Result<Audited, SandboxError> {
    let inputs: Vec<u32> = guesses.traces.iter().map(|trace| trace.input).collect();
    let tokens = &inputs[task.prompt.len().min(inputs.len())..];
    let guests = Guests::new(sandbox, model, task);
    let (run, guest) = (guests.run(tokens), guests.open()?);
    let shape = guest.shape().clone();
    if !guesses.fit(task, &shape) {
        return Err(SandboxError::Protocol(
            "the native run has another shape".into(),
        ));
    }
    run.begin(units_work(&shape, task, units));
    let results = compute_units(&run, (&guests, guest), units, guesses);
    for (unit, result) in units.iter().zip(results) {
        // Layers above one that differs may have no result; the difference is found before them.
        let Some(result) = result else { continue };
        if let Some(position) = first_difference(unit, result?.0, guesses.traces) {
            let unit = unit.clone();
            return Ok(Audited::Differs(Finding { unit, position }));
        }
    }
    Ok(Audited::Agrees)
}

/// The first position at which a unit's output differs from the native run.
fn first_difference(unit: &Unit, done: Done, traces: &[PositionTrace]) -> Option<usize> {
    match (unit, done) {
        (Unit::Layer(layer), Done::Layer { unexpected, .. }) => {
            let leaving = unexpected?;
            let differs =
                |(x, trace): (&Vec<f32>, &PositionTrace)| !same_bits(x, trace.boundary(*layer));
            leaving.iter().zip(traces).position(differs)
        }
        (Unit::Head(positions), Done::Head(heads)) => positions
            .clone()
            .zip(heads)
            .find(|(position, head)| !is_head_of(head, &traces[*position]))
            .map(|(position, _)| position),
        _ => unreachable!("a unit has a result of its kind"),
    }
}

fn is_head_of(head: &Head, trace: &PositionTrace) -> bool {
    let choice =
        |choice: Option<engine_native::Choice>| choice.map(|c| (c.token, c.logit.to_bits()));
    same_bits(&head.hidden, &trace.hidden) && choice(head.choice) == choice(trace.choice)
}
