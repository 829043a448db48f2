//! How much a model makes of rounding, found with the native engine. It is no evidence: it only says which
//! differences right engines have.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::{Engine, KvType, LogitsAt, Model, RunError, SessionOptions};

use super::native;
use crate::{
    judge::{Sensitivity, Summit},
    task::Task,
    watch::{Phase, Watch},
};

/// The most positions that are compared; the rows of all of them lie in memory at once.
const MAX_POSITIONS: usize = 128;

/// The sensitivity of `model` on the first positions of `task`, fed the claimed `tokens`. `None` if this
/// machine cannot run it, or the run was stopped.
pub(super) fn sensitivity(
    model: &Arc<Model>,
    task: &Task,
    tokens: &[u32],
    threads: NonZeroUsize,
    watch: &Watch,
) -> Option<f64> {
    let inputs: Vec<u32> = task.inputs(tokens).take(MAX_POSITIONS).collect();
    watch.begin(Phase::Other("measure how sensitive the model is"), 0);
    let session = |kv_type| SessionOptions {
        kv_type,
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(inputs.len())
    };
    // The larger session of the two, which are there one after the other.
    let engine = native::engine(model, &session(KvType::F32), threads.get(), watch).ok()?;
    let run = |kv_type| rows(&engine, session(kv_type), &inputs, watch).ok();
    let summits: Vec<Summit> = run(KvType::F32)?
        .iter()
        .map(|row| Summit::of(row))
        .collect();
    let mut sensitivity = Sensitivity::default();
    for (summit, row) in summits.iter().zip(run(KvType::F16)?) {
        sensitivity.add(summit, &row);
    }
    sensitivity.value()
}

/// The logits at every position, `[n_inputs][n_vocab]`.
fn rows(
    engine: &Engine,
    options: SessionOptions,
    inputs: &[u32],
    watch: &Watch,
) -> Result<Vec<Vec<f32>>, RunError> {
    let mut session = engine.session(options)?;
    session.set_observer(Arc::new(watch.clone()));
    let mut steps = session.generate(inputs, 1)?;
    let step = steps.next().transpose()?;
    Ok(step.map_or(Vec::new(), |step| step.logits))
}
