//! The same model and prompt give the same bits, however the work is shared out: whole runs are
//! compared over kernels, thread counts, prefill chunks, repetitions and model shapes.

use std::{collections::HashMap, path::Path, sync::Arc};

use engine_native::{
    Engine, KernelChoice, Kernels, KvType, Ledger, LogitsAt, Model, ModelShape, Op, PositionTrace,
    Scalar, Session, SessionOptions, Step,
};
use xtask::make_model::{Shape, splitmix64::SplitMix64, to_vec};

const N_PROMPT: usize = 13;
const N_TOKENS: usize = 9;
/// The last token is chosen, not fed.
const N_POSITIONS: usize = N_PROMPT + N_TOKENS - 1;
const THREADS: [usize; 4] = [1, 2, 3, 4];
const PREFILL_CHUNKS: [usize; 5] = [1, 2, 3, 5, 64];
const KV_TYPES: [KvType; 2] = [KvType::F32, KvType::F16];

/// Odd head counts, one to eight query heads per KV head, three head dimensions.
fn shapes() -> Vec<Shape> {
    let shape = |n_layers, n_embd, (n_heads, n_kv_heads, head_dim), n_ff| Shape {
        n_vocab: 301,
        n_embd,
        n_layers,
        n_heads,
        n_kv_heads,
        head_dim,
        n_ff,
        context_length: 64,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    };
    vec![
        shape(3, 128, (2, 2, 64), 384),
        shape(2, 384, (3, 3, 128), 128),
        shape(2, 256, (3, 1, 128), 256),
        shape(2, 384, (6, 2, 64), 640),
        shape(3, 256, (8, 1, 80), 384),
    ]
}

fn models() -> Vec<Arc<Model>> {
    let files = shapes().into_iter().enumerate();
    files
        .map(|(i, shape)| {
            let file = to_vec(&shape, "determinism", 11 + i as u64).unwrap();
            Arc::new(Model::from_bytes(file).unwrap())
        })
        .collect()
}

/// The kernels that this CPU can run, scalar first.
fn all_kernels() -> Vec<Arc<dyn Kernels>> {
    let mut kernels: Vec<Arc<dyn Kernels>> = vec![Arc::new(Scalar)];
    match KernelChoice::Avx2.resolve() {
        Ok(avx2) => kernels.push(avx2),
        Err(reason) => println!("scalar kernels alone: {reason}"),
    }
    kernels
}

/// Ids 0..n of a seed, as `NUMERICS.md` derives them.
fn seeded_prompt(seed: u64, n: usize, shape: &ModelShape) -> Vec<u32> {
    let mut stream = SplitMix64::new(seed);
    (0..n).map(|_| (stream.next() % shape.n_vocab) as u32).collect()
}

fn options(kv_type: KvType) -> SessionOptions {
    SessionOptions {
        kv_type,
        ..SessionOptions::new(N_POSITIONS)
    }
}

fn session(
    model: &Arc<Model>,
    kernels: &Arc<dyn Kernels>,
    n_threads: usize,
    options: SessionOptions,
) -> Session {
    let engine = Engine::new(model.clone(), kernels.clone(), n_threads).unwrap();
    engine.session(options).unwrap()
}

fn steps(session: &mut Session, prompt: &[u32], n_tokens: usize) -> Vec<Step> {
    let steps = session.generate(prompt, n_tokens).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

/// All that a transcript commits to, as bits: `==` on floats would not tell zeros apart.
fn trace_bits(trace: &PositionTrace) -> Vec<u32> {
    let choice = trace.choice.map(|c| [c.token, c.logit.to_bits()]);
    let floats = trace.boundaries.iter().chain(&trace.hidden);
    let place = [trace.position as u32, trace.input, u32::from(choice.is_some())];
    let integers = place.into_iter().chain(choice.into_iter().flatten());
    integers.chain(floats.map(|x| x.to_bits())).collect()
}

/// The bits of a whole run, position by position, then each step's choice.
fn run(session: &mut Session, seed: u64) -> Vec<Vec<u32>> {
    let model = Arc::clone(session.model());
    let prompt = seeded_prompt(seed, N_PROMPT, model.shape());
    let steps = steps(session, &prompt, N_TOKENS);
    let traces = steps.iter().flat_map(|step| &step.positions);
    let choices = steps
        .iter()
        .map(|step| vec![step.choice.token, step.choice.logit.to_bits()]);
    traces.map(trace_bits).chain(choices).collect()
}
