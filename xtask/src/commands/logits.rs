//! `logits`: what either side computes at every position, as a NumPy array.

use std::{io, sync::Arc};

use engine_native::{
    Engine, EngineOptions, LogitsAt, Model, ModelError, ModelSource, SessionOptions,
};
use host::{
    failure::RunFailure,
    machine::{EngineNeed, MemoryNeed, physical_cores},
    replay::{Decoded, decode},
    sandbox::Sandbox,
    task::Task,
    watch::{Phase, Watch},
};
use npyz::WriterBuilder;
use serde::Serialize;

use crate::{
    args::{LogitsArgs, Side},
    exit::{Exit, Failure},
    output::{Destination, tell},
    progress::RunProgress,
};

#[derive(Debug, Serialize)]
struct Report {
    tokens: Vec<u32>,
}

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No array is written then.
pub fn run(args: &LogitsArgs, watch: &Watch) -> Result<Exit, Failure> {
    let path = args.model.path();
    let display = RunProgress::of(args.print, watch);
    watch.begin(Phase::Load, 0);
    let failed = |e: ModelError| Failure::model(path, &e);
    let source = ModelSource::open(path).map_err(|e| failed(e.into()))?;
    MemoryNeed::to_load(&source, args.i2s_layout.into()).check()?;
    let file = source.read(watch).map_err(failed)?;
    let model = Model::load(file, args.i2s_layout.into(), watch).map_err(failed)?;
    let model = Arc::new(model);
    let task = Task {
        prompt: args.prompt_ids.clone(),
        depth: 0,
        n_generate: args.tokens,
        kv_type: args.kv_type.into(),
        challenge: None,
    };
    // For both sides alike: what is asked for and impossible is a matter of usage.
    model.shape().check_run(&task.prompt, task.n_generate)?;
    let output = Destination::prepare(&args.output)?.spares_model(path)?;
    let shape = [task.n_positions() as u64, model.shape().n_vocab];
    watch.begin(Phase::Other("decode"), 0);
    let mut tokens = Vec::new();
    output.fill(|file| {
        let failed = |e: io::Error| Failure::io(&args.output, &e);
        let npy = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&shape)
            .writer(file)
            .begin_nd();
        let mut npy = npy.map_err(failed)?;
        let mut n_rows = 0;
        let mut sink = |row: &[f32]| {
            n_rows += 1;
            watch.set_progress(n_rows, shape[0]);
            npy.extend(row.iter().copied()).map_err(failed)
        };
        tokens = match args.engine {
            Side::Native => native(args, model, &task, watch, &mut sink)?,
            Side::Guest => guest(&model, &task, watch, &mut sink)?,
        };
        npy.finish().map_err(failed)
    })?;
    drop(display);
    if matches!(output, Destination::File(_)) {
        let report = Report { tokens };
        tell(args.print.output, &report, || {
            let (path, tokens) = (args.output.display(), &report.tokens);
            let [n_rows, n_vocab] = shape;
            format!("{path}: float32 [{n_rows}, {n_vocab}]\ntokens: {tokens:?}\n")
        });
    }
    Ok(Exit::Done)
}

type Sink<'a> = &'a mut dyn FnMut(&[f32]) -> Result<(), Failure>;

fn native(
    args: &LogitsArgs,
    model: Arc<Model>,
    task: &Task,
    watch: &Watch,
    sink: Sink,
) -> Result<Vec<u32>, Failure> {
    let kernels = args.kernel.into();
    let kernels = engine_native::KernelChoice::resolve(kernels).map_err(RunFailure::from)?;
    let options = EngineOptions::new(physical_cores());
    let session = SessionOptions {
        kv_type: task.kv_type,
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(task.n_positions())
    };
    let need = EngineNeed::of(&model, &*kernels, &options);
    MemoryNeed::to_run(&model, &session, need).check()?;
    let engine = Engine::with_at_most(model, kernels, options, watch)?;
    let mut session = engine.session(session)?;
    session.set_observer(Arc::new(watch.clone()));
    let mut tokens = Vec::with_capacity(task.n_generate);
    for step in session.generate(&task.prompt, task.n_generate)? {
        let step = step?;
        step.logits.iter().try_for_each(|row| sink(row))?;
        tokens.push(step.choice.token);
    }
    Ok(tokens)
}

fn guest(model: &Model, task: &Task, watch: &Watch, sink: Sink) -> Result<Vec<u32>, Failure> {
    MemoryNeed::to_replay(model, task.n_positions()).check()?;
    let sandbox = Sandbox::new(watch)?;
    decode(&sandbox, model.into(), task, |row: Decoded| {
        sink(&row.logits)
    })
}
