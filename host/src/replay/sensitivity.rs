//! How much a model makes of rounding, found with the native engine. It is no evidence: it only says which
//! differences right engines have.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::{
    Engine, EngineOptions, KernelChoice, KvType, LogitsAt, Model, Packing, Scalar, Screening,
    SessionOptions,
};

use crate::{
    failure::RunFailure,
    judge::{Sensitivity, Summit},
    machine::{EngineNeed, MemoryNeed},
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
    let run = |kv_type| rows(model, &inputs, kv_type, threads, watch).ok();
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
    model: &Arc<Model>,
    inputs: &[u32],
    kv_type: KvType,
    threads: NonZeroUsize,
    watch: &Watch,
) -> Result<Vec<Vec<f32>>, RunFailure> {
    let options = EngineOptions {
        // A single pass over the weights does not justify packing them.
        packing: Packing::Off,
        screening: Screening::Off,
        ..EngineOptions::new(threads.get())
    };
    let session = SessionOptions {
        kv_type,
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(inputs.len())
    };
    let kernels = KernelChoice::Auto.resolve().unwrap_or(Arc::new(Scalar));
    let need = EngineNeed::of(model, &*kernels, &options);
    MemoryNeed::to_run(model, &session, need).check()?;
    let engine = Engine::with_at_most(model.clone(), kernels, options, watch)?;
    let mut session = engine.session(session)?;
    session.set_observer(Arc::new(watch.clone()));
    let mut steps = session.generate(inputs, 1)?;
    let step = steps.next().transpose()?;
    Ok(step.map_or(Vec::new(), |step| step.logits))
}
