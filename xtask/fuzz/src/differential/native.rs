//! The engine's run.

use std::sync::Arc;

use engine_native::{Engine, Model, RunError, Step};

use super::{
    Position, bits,
    settings::{Run, Settings},
};

/// What the engine computes, up to the end or to the failure.
pub fn run(
    model: &Arc<Model>,
    settings: &Settings,
    run: &Run,
) -> (Vec<Position>, Option<RunError>) {
    let mut positions = Vec::new();
    let n_layers = model.layers().len();
    let mut decode = || -> Result<(), RunError> {
        let kernels = settings.kernels.clone();
        let engine = Engine::with_options(model.clone(), kernels, settings.engine, &())?;
        let mut session = engine.session(settings.session(run))?;
        for step in session.generate(&run.prompt, run.n_generate)? {
            positions.extend(of_step(step?, n_layers));
        }
        Ok(())
    };
    let failure = decode().err();
    (positions, failure)
}

fn of_step(step: Step, n_layers: usize) -> impl Iterator<Item = Position> {
    // At every position or at none.
    let mut logits = step.logits.into_iter();
    step.positions.into_iter().map(move |trace| {
        assert_eq!(trace.boundaries.len(), n_layers * trace.hidden.len());
        Position {
            input: trace.input,
            boundaries: bits(&trace.boundaries),
            hidden: bits(&trace.hidden),
            choice: trace.choice.map(|c| (c.token, c.logit.to_bits())),
            logits: logits.next().map(|row| bits(&row)).unwrap_or_default(),
        }
    })
}
