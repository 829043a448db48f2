//! `logits`: what either side computes at every position, as a NumPy array.

use std::sync::Arc;

use engine_native::{Engine, LogitsAt, Model, ModelError, ModelFile, SessionOptions};
use host::{
    cancel::Cancel,
    failure::RunFailure,
    files::AtomicFile,
    machine::physical_cores,
    replay::{Decoded, decode},
    sandbox::Sandbox,
    task::Task,
};
use npyz::WriterBuilder;
use serde::Serialize;

use crate::{
    args::{Format, LogitsArgs, Side},
    exit::{Exit, Failure},
    output::{print, print_json},
};

#[derive(Debug, Serialize)]
struct Report {
    tokens: Vec<u32>,
}

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No array is written then.
pub fn run(args: &LogitsArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let failed = |e: ModelError| Failure::model(&args.model, &e);
    let file = ModelFile::map(&args.model).map_err(|e| failed(e.into()))?;
    let model = Model::load(file, args.i2s_layout.into(), &()).map_err(failed)?;
    let model = Arc::new(model);
    let task = Task {
        prompt: args.prompt_ids.clone(),
        n_generate: args.tokens,
        kv_type: args.kv_type.into(),
        challenge: None,
    };
    // For both sides alike: what is asked for and impossible is a matter of usage.
    model.shape().check_run(&task.prompt, task.n_generate)?;
    let mut tokens = Vec::new();
    let shape = [task.n_positions() as u64, model.shape().n_vocab];
    let output = AtomicFile::beside_input(&args.output, &args.model)
        .map_err(|e| Failure::io(&args.output, &e))?;
    output.replace(|file| {
        let npy = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&shape)
            .writer(file)
            .begin_nd();
        let mut npy = npy.map_err(|e| Failure::io(&args.output, &e))?;
        let mut sink = |row: &[f32]| {
            npy.extend(row.iter().copied())
                .map_err(|e| Failure::io(&args.output, &e))
        };
        tokens = match args.engine {
            Side::Native => native(args, model, &task, cancel, &mut sink)?,
            Side::Guest => guest(&model, &task, cancel, &mut sink)?,
        };
        npy.finish().map_err(|e| Failure::io(&args.output, &e))
    })?;
    match args.format {
        Format::Json => print_json(&Report { tokens })?,
        Format::Human => print(&format!(
            "{}: float32 [{}, {}]\ntokens: {tokens:?}\n",
            args.output.display(),
            shape[0],
            shape[1]
        ))?,
    }
    Ok(Exit::Done)
}

type Sink<'a> = &'a mut dyn FnMut(&[f32]) -> Result<(), Failure>;

fn native(
    args: &LogitsArgs,
    model: Arc<Model>,
    task: &Task,
    cancel: &Cancel,
    sink: Sink,
) -> Result<Vec<u32>, Failure> {
    let kernels = args.kernel.into();
    let kernels = engine_native::KernelChoice::resolve(kernels).map_err(RunFailure::from)?;
    let engine = Engine::new(model, kernels, physical_cores())?;
    let mut session = engine.session(SessionOptions {
        kv_type: task.kv_type,
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(task.n_positions())
    })?;
    let mut tokens = Vec::with_capacity(task.n_generate);
    for step in session.generate(&task.prompt, task.n_generate)? {
        let step = step?;
        step.logits.iter().try_for_each(|row| sink(row))?;
        tokens.push(step.choice.token);
        if cancel.is_requested() {
            return Err(Failure::interrupted());
        }
    }
    Ok(tokens)
}

fn guest(model: &Model, task: &Task, cancel: &Cancel, sink: Sink) -> Result<Vec<u32>, Failure> {
    let sandbox = Sandbox::new(cancel)?;
    decode(&sandbox, model.into(), task, |row: Decoded| {
        sink(&row.logits)
    })
}
