//! `run`: continues a text. Nothing is timed: a speed without a proof is not shown.

use std::sync::Arc;

use engine_native::{
    Engine, EngineOptions, KernelChoice, Model, ModelError, ModelSource, RunError, SessionOptions,
};
use host::{
    failure::RunFailure,
    input::{
        PromptError,
        tokenizer::{EncodeOptions, Tokenizer},
        tokenizer_of,
    },
    machine::{EngineNeed, MemoryNeed},
    watch::{Phase, Watch},
};
use serde::Serialize;

use crate::{
    args::{Format, RunArgs},
    commands::threads,
    exit::{Exit, Failure},
    models::TINY_RUST,
    output::{print, print_json},
    progress::RunProgress,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. What was decoded before it has been printed.
pub fn run(args: &RunArgs, watch: &Watch) -> Result<Exit, Failure> {
    let display = RunProgress::of(args.print, watch);
    watch.begin(Phase::Load, 0);
    let Loaded {
        engine,
        tokenizer,
        ids,
        options,
    } = load(args, watch)?;
    drop(display);
    let mut session = engine.session(options)?;
    session.set_observer(Arc::new(watch.clone()));
    let mut shown = Shown {
        is_live: args.print.output.format == Format::Human,
        text: String::new(),
    };
    let mut tokens = Vec::new();
    let mut text = tokenizer.decode_stream();
    // The prompt as its tokens have it; what it leaves incomplete goes on in what follows.
    shown.push(&ids.iter().map(|&id| text.push(id)).collect::<String>())?;
    for step in session.generate(&ids, args.tokens)? {
        let token = match step {
            Ok(step) if !tokenizer.is_end(step.choice.token) => step.choice.token,
            Ok(_) | Err(RunError::Cancelled) => break,
            Err(error) => return Err(error.into()),
        };
        tokens.push(token);
        shown.push(&text.push(token))?;
    }
    shown.push(&text.finish())?;
    match shown.is_live {
        true => print("\n")?,
        false if watch.is_stopped() => {}
        false => print_json(&Report {
            text: shown.text,
            prompt_ids: ids,
            tokens,
        })?,
    }
    match watch.is_stopped() {
        true => Err(Failure::interrupted()),
        false => Ok(Exit::Done),
    }
}

#[derive(Debug, Serialize)]
struct Report {
    text: String,
    prompt_ids: Vec<u32>,
    tokens: Vec<u32>,
}

/// The text so far: printed as it comes, or kept.
struct Shown {
    is_live: bool,
    text: String,
}

impl Shown {
    fn push(&mut self, text: &str) -> Result<(), Failure> {
        match self.is_live {
            true => print(text),
            false => {
                self.text += text;
                Ok(())
            }
        }
    }
}

/// Everything that decoding takes.
struct Loaded {
    engine: Engine,
    tokenizer: Tokenizer,
    ids: Vec<u32>,
    options: SessionOptions,
}

fn load(args: &RunArgs, watch: &Watch) -> Result<Loaded, Failure> {
    let path = match args.model.named() {
        Some(path) => path.to_owned(),
        None => TINY_RUST.path()?,
    };
    let (path, engine) = (path.as_path(), &args.engine);
    let failed = |e: ModelError| Failure::model(path, &e);
    let source = ModelSource::open(path).map_err(|e| failed(e.into()))?;
    MemoryNeed::to_load(&source, engine.i2s_layout.into()).check()?;
    let file = source.read(watch).map_err(failed)?;
    let model = Arc::new(Model::load(file, engine.i2s_layout.into(), watch).map_err(failed)?);
    let tokenizer = tokenizer_of(&model).map_err(RunFailure::from)?;
    let ids = tokenizer
        .encode(&args.prompt, EncodeOptions::default())
        .map_err(|e| RunFailure::from(PromptError::from(e)))?;
    model.shape().check_run(&ids, args.tokens)?;
    let options = SessionOptions {
        kv_type: engine.kv_type.into(),
        ..SessionOptions::new(ids.len() + args.tokens - 1)
    };
    let kernels = KernelChoice::resolve(engine.kernel.into()).map_err(RunFailure::from)?;
    let start = match engine.threads {
        Some(_) => Engine::with_options,
        None => Engine::with_at_most,
    };
    let engine = EngineOptions {
        packing: engine.packing.into(),
        screening: engine.screen.into(),
        ..EngineOptions::new(threads::asked(engine.threads)?)
    };
    let need = EngineNeed::of(&model, &*kernels, &engine);
    MemoryNeed::to_run(&model, &options, need).check()?;
    Ok(Loaded {
        engine: start(model.clone(), kernels, engine, watch)?,
        tokenizer,
        ids,
        options,
    })
}
