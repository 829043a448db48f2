//! `run`: continues a text. Nothing is timed: a speed without a proof is not shown.

use std::sync::Arc;

use engine_native::{
    Engine, EngineOptions, KernelChoice, Model, ModelError, ModelFile, SessionOptions,
};
use host::{
    cancel::Cancel,
    failure::RunFailure,
    input::{
        PromptError, tokenizer::EncodeOptions, tokenizer::TextStream, tokenizer::Tokenizer,
        tokenizer_of,
    },
    machine::{EngineNeed, Environment, Flags, MemoryNeed, default_threads},
};

use crate::{
    args::RunArgs,
    exit::{Exit, Failure},
    output::print,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. What was decoded before it has been printed.
pub fn run(args: &RunArgs, cancel: &Cancel) -> Result<Exit, Failure> {
    let failed = |e: ModelError| Failure::model(&args.model, &e);
    let file = ModelFile::map(&args.model).map_err(|e| failed(e.into()))?;
    MemoryNeed::to_load(&file, args.i2s_layout.into()).check()?;
    let model = Model::load(file, args.i2s_layout.into(), &()).map_err(failed)?;
    let model = Arc::new(model);
    let tokenizer = tokenizer_of(&model).map_err(RunFailure::from)?;
    let ids = tokenizer
        .encode(&args.prompt, EncodeOptions::default())
        .map_err(|e| RunFailure::from(PromptError::from(e)))?;
    model.shape().check_run(&ids, args.tokens)?;
    let options = SessionOptions {
        kv_type: args.kv_type.into(),
        ..SessionOptions::new(ids.len() + args.tokens - 1)
    };
    let kernels = KernelChoice::resolve(args.engine.kernel.into()).map_err(RunFailure::from)?;
    let flags = Flags {
        threads: args.threads,
        ..Flags::default()
    };
    let threads = Environment::resolve(flags, |_| None, default_threads())?.threads;
    let engine = EngineOptions {
        packing: args.engine.packing.into(),
        screening: args.engine.screen.into(),
        ..EngineOptions::new(threads)
    };
    let need = EngineNeed::of(&model, &*kernels, &engine);
    MemoryNeed::to_run(&model, &options, need).check()?;
    let mut session =
        Engine::with_options(model.clone(), kernels, engine, &())?.session(options)?;
    let mut text = after_prompt(&tokenizer, &ids)?;
    for step in session.generate(&ids, args.tokens)? {
        let token = step?.choice.token;
        if tokenizer.is_end(token) || cancel.is_requested() {
            break;
        }
        print(&text.push(token))?;
    }
    print(&(text.finish() + "\n"))?;
    match cancel.is_requested() {
        true => Err(Failure::interrupted()),
        false => Ok(Exit::Done),
    }
}

/// Prints the prompt as its tokens have it; what it leaves incomplete goes on in what follows.
fn after_prompt<'t>(tokenizer: &'t Tokenizer, ids: &[u32]) -> Result<TextStream<'t>, Failure> {
    let mut text = tokenizer.decode_stream();
    let prompt: String = ids.iter().map(|&id| text.push(id)).collect();
    print(&prompt)?;
    Ok(text)
}
