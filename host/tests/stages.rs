//! A pipeline of guests has the transcript of a replay in order, however many stages it has.

use std::collections::VecDeque;

use engine_native::{I2sLayout, KvType};
use host::{
    digest::Digest,
    replay::{Stage, head_shares, joined, replay, replay_work},
    sandbox::{InSandbox, ModelInput, Sandbox},
    task::Task,
    verify::ReplayResult,
    watch::Watch,
};

const FILE: &[u8] = include_bytes!("../../models/tiny.gguf");

fn task() -> Task {
    Task {
        prompt: vec![5, 1, 7],
        depth: 0,
        n_generate: 4,
        kv_type: KvType::F16,
        challenge: None,
    }
}

/// Replays with `n` stages.
fn in_stages(sandbox: &Sandbox, tokens: &[u32], n: usize) -> ReplayResult {
    let (task, watch) = (task(), Watch::default());
    watch.set_progress(0, u64::MAX);
    let mut stages: Vec<_> = (0..n)
        .map(|_| {
            let instance = InSandbox::new(sandbox, FILE).unwrap();
            Stage::open(instance, I2sLayout::default(), task.clone(), tokens, &watch).unwrap()
        })
        .collect();
    let n_layers = stages[0].shape().n_layers as usize;
    let mut entering: VecDeque<Vec<f32>> = VecDeque::new();
    let mut boundaries = Vec::new();
    for layer in 0..n_layers {
        let stage = &mut stages[layer % n];
        for i in 0..stage.plan_layer(layer).unwrap() {
            stage.load_range(i).unwrap();
        }
        for position in 0..task.n_positions() {
            match layer {
                0 => stage.embed(position).unwrap(),
                _ => {
                    let residual = entering.pop_front().unwrap();
                    stage.enter(position, &residual).unwrap();
                }
            }
            entering.push_back(stage.layer(position).unwrap());
        }
        boundaries.push(stage.release_layer(layer).unwrap());
    }
    let mut heads = Vec::new();
    for (share, stage) in head_shares(&task, n).into_iter().zip(&mut stages) {
        for position in share.clone() {
            stage.enter(position, &entering[position]).unwrap();
        }
        stage.begin_head(share);
        for chunk in 0..stage.shape().n_head_chunks {
            for i in 0..stage.plan_head(chunk).unwrap() {
                stage.load_range(i).unwrap();
            }
            stage.head_chunk(chunk).unwrap();
        }
        heads.extend(stage.end_head().unwrap());
    }
    assert_eq!(
        watch.progress().0,
        replay_work(stages[0].shape(), &task),
        "all work is reported"
    );
    joined(&task, tokens, Digest::of(FILE), &boundaries, heads)
}

#[test]
fn any_number_of_stages_computes_what_one_guest_computes_in_order() {
    let watch = Watch::default();
    let sandbox = Sandbox::new(&watch).unwrap();
    let model = ModelInput {
        file: FILE,
        i2s_layout: I2sLayout::default(),
    };
    // Claims that are not the reference's choices are fed as well.
    for tokens in [[9, 9, 9, 9], [1, 2, 3, 4]] {
        let whole = replay(&sandbox, model, &task(), &tokens, None).unwrap();
        for n in [1, 2, 3, 5, 8] {
            let found = in_stages(&sandbox, &tokens, n);
            assert!(
                found.tokens.iter().copied().eq(whole.tokens()),
                "{n} stages"
            );
            let checksum = whole.checksum(&task(), Digest::of(FILE));
            assert_eq!(found.checksum, checksum, "{n} stages");
        }
    }
}
