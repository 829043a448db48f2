//! `run`: continues a text. Nothing is timed: a speed without a proof is not shown.

use std::sync::Arc;

use engine_native::{
    Engine, EngineOptions, KernelChoice, Model, ModelError, ModelFile, SessionOptions,
};
use host::{
    cancel::Cancel,
    failure::RunFailure,
    input::{
        PromptError,
        tokenizer::{EncodeOptions, Tokenizer},
        tokenizer_of,
    },
    machine::{EngineNeed, MemoryNeed},
};
use serde::Serialize;

use crate::{
    args::{Format, RunArgs},
    commands::threads,
    exit::{Exit, Failure},
    output::{print, print_json},
    progress::RunProgress,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. What was decoded before it has been printed.
pub fn run(args: &RunArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let display = RunProgress::of(args.print);
    display.phase("load the model");
    let Loaded {
        engine,
        tokenizer,
        ids,
        options,
    } = load(args)?;
    drop(display);
    let mut session = engine.session(options)?;
    let mut shown = Shown {
        is_live: args.print.output.format == Format::Human,
        text: String::new(),
    };
    let mut tokens = Vec::new();
    let mut text = tokenizer.decode_stream();
    // The prompt as its tokens have it; what it leaves incomplete goes on in what follows.
    shown.push(&ids.iter().map(|&id| text.push(id)).collect::<String>())?;
    for step in session.generate(&ids, args.tokens)? {
        let token = step?.choice.token;
        if tokenizer.is_end(token) || cancel.is_requested() {
            break;
        }
        tokens.push(token);
        shown.push(&text.push(token))?;
    }
    shown.push(&text.finish())?;
    match shown.is_live {
        true => print("\n")?,
        false if cancel.is_requested() => {}
        false => print_json(&Report {
            text: shown.text,
            prompt_ids: ids,
            tokens,
        })?,
    }
    match cancel.is_requested() {
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

fn load(args: &RunArgs) -> Result<Loaded, Failure> {
    let (path, engine) = (args.model.path(), &args.engine);
    let failed = |e: ModelError| Failure::model(path, &e);
    let file = ModelFile::map(path).map_err(|e| failed(e.into()))?;
    MemoryNeed::to_load(&file, engine.i2s_layout.into()).check()?;
    let model = Arc::new(Model::load(file, engine.i2s_layout.into()).map_err(failed)?);
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
    let engine = EngineOptions {
        packing: engine.packing.into(),
        screening: engine.screen.into(),
        ..EngineOptions::new(threads::asked(engine.threads)?)
    };
    let need = EngineNeed::of(&model, &*kernels, &engine);
    MemoryNeed::to_run(&model, &options, need).check()?;
    Ok(Loaded {
        engine: Engine::with_options(model.clone(), kernels, engine)?,
        tokenizer,
        ids,
        options,
    })
}
