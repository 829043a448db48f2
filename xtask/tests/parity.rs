//! Native against guest, whole transcripts, on many shapes.

mod support;

use std::sync::Arc;

use engine_native::{Engine, EngineOptions, KernelChoice, KvType, Model};
use host::{
    digest::Digest,
    replay::{Replay, replay},
    run::{NativeRunner, Recording, Runner},
    task::{PositionRecord, Task, Transcript, seeded_prompt},
    watch::Watch,
};
use support::{SANDBOX, TINY, task};
use xtask::make_model::{Shape, to_vec};

fn shape(n_heads: u32, n_kv_heads: u32, head_dim: u32) -> Shape {
    Shape {
        n_vocab: 300,
        n_embd: 256,
        n_layers: 2,
        n_heads,
        n_kv_heads,
        head_dim,
        n_ff: 384,
        context_length: 64,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    }
}

fn record(model: &Arc<Model>, task: &Task, threads: usize) -> Recording {
    let kernels = KernelChoice::Auto.resolve().unwrap();
    let engine = Engine::with_options(
        model.clone(),
        kernels,
        EngineOptions {
            min_part_work: 1,
            ..EngineOptions::new(threads)
        },
        &(),
    )
    .unwrap();
    let mut runner = NativeRunner::new(&engine, task).unwrap();
    runner.record(task, &Watch::default()).unwrap()
}

fn checksum(model: &Model, task: &Task, recording: &Recording) -> Digest {
    let records = recording.traces.iter().map(PositionRecord::from_trace);
    let records: Vec<_> = records.collect();
    Transcript::of(
        &task.transcript_start(Digest::of(model.file_bytes())),
        &records,
    )
}

fn replay_of(model: &Model, task: &Task, tokens: &[u32]) -> Replay {
    replay(&SANDBOX, model.into(), task, tokens, None).unwrap()
}

fn assert_parity(name: &str, model: &Arc<Model>, task: &Task) {
    let recording = record(model, task, 1);
    let reference = replay_of(model, task, &recording.tokens);
    let native: Vec<_> = recording
        .traces
        .iter()
        .map(PositionRecord::from_trace)
        .collect();
    for (native, reference) in native.iter().zip(&reference.records) {
        assert_eq!(native, reference, "{name}");
    }
    assert_eq!(native.len(), reference.records.len(), "{name}");
    let model_sha256 = Digest::of(model.file_bytes());
    assert_eq!(
        checksum(model, task, &recording),
        reference.checksum(task, model_sha256),
        "{name}"
    );
    assert_eq!(
        recording.tokens,
        reference.tokens().collect::<Vec<_>>(),
        "{name}"
    );
}

#[test]
fn shapes_of_all_kinds() {
    let shapes = [
        ("one head", shape(1, 1, 128)),
        ("3 heads on 1", shape(3, 1, 128)),
        ("5 heads on 5, keys of their own length", shape(8, 8, 80)),
        ("8 heads on 1", shape(8, 1, 64)),
        ("6 heads on 2", shape(6, 2, 64)),
        ("8 heads on 4, head dimension 80", shape(8, 4, 80)),
    ];
    for (seed, (name, shape)) in (1..).zip(shapes) {
        let model = Arc::new(Model::from_bytes(to_vec(&shape, name, seed).unwrap()).unwrap());
        for kv_type in [KvType::F16, KvType::F32] {
            let task = task(
                &seeded_prompt(seed, None, 7, shape.n_vocab.into()),
                6,
                kv_type,
            );
            assert_parity(name, &model, &task);
        }
    }
}

#[test]
fn one_prompt_token_and_one_generated() {
    let model = Arc::new(Model::open(TINY.as_ref()).unwrap());
    assert_parity("1 + 1", &model, &task(&[5], 1, KvType::F16));
    assert_parity("1 + 3", &model, &task(&[5], 3, KvType::F16));
    assert_parity("3 + 1", &model, &task(&[5, 5, 5], 1, KvType::F16));
}

/// A frozen transcript: it changes only when the arithmetic, the transcript or the model does, and
/// then every published receipt becomes another.
#[test]
fn the_tiny_models_checksum_is_frozen() {
    let model = Arc::new(Model::open(TINY.as_ref()).unwrap());
    let task = task(&seeded_prompt(42, None, 16, 512), 128, KvType::F16);
    for threads in [1, 2, 3] {
        let recording = record(&model, &task, threads);
        assert_eq!(
            checksum(&model, &task, &recording).to_string(),
            "7611730fe7cf55cc3683e7d061cc12de0bb852372fd3be744ad58dff26d38351",
            "{threads} threads"
        );
    }
}

/// The replay notices a claim that is not the reference's choice, and goes on to say which it is.
#[test]
fn a_false_claim_is_answered_with_the_right_token() {
    let model = Arc::new(Model::open(TINY.as_ref()).unwrap());
    let task = task(&seeded_prompt(1, None, 4, 512), 5, KvType::F16);
    let right = record(&model, &task, 1).tokens;
    let mut claimed = right.clone();
    claimed[2] ^= 1;
    let chosen: Vec<u32> = replay_of(&model, &task, &claimed).tokens().collect();
    assert_eq!(chosen[..3], right[..3]);
}
