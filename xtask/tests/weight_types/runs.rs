//! Runs of the native engine, as bits.

use std::sync::Arc;

use engine_native::{
    Engine, EngineOptions, KernelChoice, Kernels, Model, PositionTrace, Scalar, Session,
    SessionOptions, Step, available_kernels,
};
use host::task::seeded_prompt;

use crate::models::{File, N_VOCAB};

const N_PROMPT: usize = 7;
const N_TOKENS: usize = 6;

fn load(file: &File) -> Arc<Model> {
    let model = Model::load(file.bytes.clone().into(), file.layout, &());
    Arc::new(model.unwrap_or_else(|e| panic!("{}: {e}", file.name)))
}

fn session(
    model: &Arc<Model>,
    kernels: &Arc<dyn Kernels>,
    n_threads: usize,
    options: SessionOptions,
) -> Session {
    // No part is too small for a thread: these models are.
    let engine = EngineOptions {
        min_part_work: 1,
        ..EngineOptions::new(n_threads)
    };
    let engine = Engine::with_options(model.clone(), kernels.clone(), engine, &()).unwrap();
    engine.session(options).unwrap()
}

fn steps(session: &mut Session, prompt: &[u32], n_tokens: usize) -> Vec<Step> {
    let steps = session.generate(prompt, n_tokens).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

fn run(model: &Arc<Model>, kernels: &Arc<dyn Kernels>, n_threads: usize) -> Vec<Vec<u32>> {
    let prompt = prompt(model.shape().n_vocab);
    let options = SessionOptions::new(N_PROMPT + N_TOKENS);
    let mut session = session(model, kernels, n_threads, options);
    let decoded = traces(steps(&mut session, &prompt, N_TOKENS));
    assert_eq!(decoded.len(), N_PROMPT + N_TOKENS - 1);
    decoded.iter().map(trace_bits).collect()
}

fn traces(steps: Vec<Step>) -> Vec<PositionTrace> {
    steps.into_iter().flat_map(|step| step.positions).collect()
}

/// As [`run`], of tokens that are fed as a claim, all at once.
fn run_fed(
    model: &Arc<Model>,
    kernels: &Arc<dyn Kernels>,
    n_threads: usize,
    inputs: &[u32],
) -> Vec<Vec<u32>> {
    let options = SessionOptions {
        choose_from: N_PROMPT - 1,
        ..SessionOptions::new(inputs.len())
    };
    let mut session = session(model, kernels, n_threads, options);
    let fed = traces(steps(&mut session, inputs, 1));
    fed.iter().map(trace_bits).collect()
}

fn prompt(n_vocab: u64) -> Vec<u32> {
    seeded_prompt(3, None, N_PROMPT, n_vocab)
}

/// The first token that is fed to all models of these tests but `tiny`.
pub fn first_prompt_id() -> u32 {
    prompt(N_VOCAB.into())[0]
}

/// All that a transcript commits to: residual streams between layers, the hidden state, the choice.
fn trace_bits(trace: &PositionTrace) -> Vec<u32> {
    let choice = trace.choice.map(|c| [c.token, c.logit.to_bits()]);
    let floats = trace.boundaries.iter().chain(&trace.hidden);
    [trace.input]
        .into_iter()
        .chain(floats.map(|x| x.to_bits()))
        .chain(choice.into_iter().flatten())
        .collect()
}

/// A run with scalar kernels and one thread: per position, its bits.
pub fn plainest(file: &File) -> Vec<Vec<u32>> {
    let scalar: Arc<dyn Kernels> = Arc::new(Scalar);
    run(&load(file), &scalar, 1)
}

/// All files give the run of the first one, with all kernels and one or two threads.
pub fn assert_same_everywhere(files: &[File]) {
    let expected = plainest(&files[0]);
    let inputs: Vec<u32> = expected.iter().map(|bits| bits[0]).collect();
    for file in files {
        let model = load(file);
        for kernels in available_kernels() {
            for n_threads in [1, 2] {
                let decoded = run(&model, &kernels, n_threads);
                let fed = run_fed(&model, &kernels, n_threads, &inputs);
                for (how, found) in [("decoded", decoded), ("fed", fed)] {
                    let differs = expected.iter().zip(&found).position(|(a, b)| a != b);
                    let isa = kernels.isa().as_str();
                    let what = format!("{}, {isa}, {n_threads} threads, {how}", file.name);
                    assert_eq!(differs, None, "first position that differs: {what}");
                }
            }
        }
    }
}

/// What the fastest kernels choose after a prompt of this seed.
pub fn chosen_tokens(file: &File, seed: u64, n_tokens: usize) -> Vec<u32> {
    let model = load(file);
    let kernels = KernelChoice::Auto.resolve().unwrap();
    let prompt = seeded_prompt(seed, None, 16, model.shape().n_vocab);
    let options = SessionOptions::new(prompt.len() + n_tokens);
    let steps = steps(
        &mut session(&model, &kernels, 1, options),
        &prompt,
        n_tokens,
    );
    steps.iter().map(|step| step.choice.token).collect()
}
