//! A pipeline of guests has the transcript of a replay in order, however many stages it has, and ranks another
//! engine's tokens as the command does.

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc};

use engine_native::{I2sLayout, KvType, Model};
use host::{
    digest::Digest,
    examine::replay_receipt,
    input::ends_of,
    judge::Tolerance,
    receipt::Receipt,
    replay::{Head, Kept, Passes, Stage, replay},
    sandbox::{InSandbox, ModelInput, Sandbox},
    task::Task,
    verify::{ReplayFailure, ReplayResult},
    watch::{Phase, Watch},
};
use serde_json::{Value, json};

use overflow::overflow_after_token_500;

#[path = "../../xtask/tests/support/overflow.rs"]
mod overflow;

const TINY: &[u8] = include_bytes!("../../models/tiny.gguf");
const TINY_RUST: &[u8] = include_bytes!("../../models/tiny-rust.gguf");

/// 143 positions on the tiny model: more than those that show how sensitive it is.
const RECEIPT: &str = include_str!("../../xtask/tests/tamper/receipt-1.2.0.json");

/// Ends all `passes` over a run with `n` stages. Gives the work of each: what was reported, and what was announced.
fn in_stages(
    sandbox: &Sandbox,
    file: &[u8],
    run: (&Task, &[u32]),
    n: usize,
    passes: &mut Passes,
) -> Vec<(u64, u64)> {
    let mut works = Vec::new();
    while let Some(pass) = passes.begin() {
        // As it travels to a worker.
        let pass = serde_json::to_string(&pass).unwrap();
        let watch = Watch::default();
        watch.set_progress(0, u64::MAX);
        let open = || {
            let instance = InSandbox::new(sandbox, file).unwrap();
            let pass = serde_json::from_str(&pass).unwrap();
            Stage::open(instance, I2sLayout::default(), pass, run.0, run.1, &watch).unwrap()
        };
        let mut stages: Vec<_> = (0..n).map(|_| open()).collect();
        let (boundaries, heads) = in_one_pass(&mut stages);
        works.push((watch.progress().0, stages[0].work()));
        passes.end(&boundaries, heads.into_iter().map(travelled).collect());
    }
    works
}

/// All work of `n` passes was reported.
fn assert_all_done(works: &[(u64, u64)], n: usize) {
    assert_eq!(works.len(), n);
    assert!(works.iter().all(|(done, work)| done == work), "{works:?}");
}

fn in_one_pass(stages: &mut [Stage<InSandbox>]) -> (Vec<Vec<Digest>>, Vec<Head>) {
    let n = stages.len();
    let n_layers = stages[0].shape().n_layers as usize;
    let mut entering: VecDeque<Vec<f32>> = VecDeque::new();
    let mut boundaries = Vec::new();
    for layer in 0..n_layers {
        let stage = &mut stages[layer % n];
        for i in 0..stage.plan_layer(layer).unwrap() {
            stage.load_range(i).unwrap();
        }
        for position in 0..stage.n_positions() {
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
    for (share, stage) in stages[0].head_shares(n).into_iter().zip(stages) {
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
    (boundaries, heads)
}

/// As it comes from a worker.
fn travelled(mut head: Head) -> Head {
    let mut numbers = head.kept.to_numbers().into_iter();
    head.kept = Kept::from_numbers(&mut numbers).unwrap();
    assert_eq!(numbers.next(), None);
    head
}

#[test]
fn any_number_of_stages_computes_what_one_guest_computes_in_order() {
    let task = Task {
        prompt: vec![5, 1, 7],
        depth: 0,
        n_generate: 4,
        kv_type: KvType::F16,
        challenge: None,
    };
    let sandbox = Sandbox::new(&Watch::default()).unwrap();
    let model = ModelInput {
        file: TINY,
        i2s_layout: I2sLayout::default(),
    };
    // Claims that are not the reference's choices are fed as well.
    for tokens in [[9, 9, 9, 9], [1, 2, 3, 4]] {
        let whole = replay(&sandbox, model, &task, &tokens, None).unwrap();
        for n in [1, 2, 3, 5, 8] {
            let digest = Digest::of(TINY);
            let mut passes = Passes::of_run(task.clone(), tokens.to_vec(), digest);
            let works = in_stages(&sandbox, TINY, (&task, &tokens), n, &mut passes);
            assert_all_done(&works, 1);
            let found = passes.found().unwrap().unwrap();
            assert!(found.tokens.iter().copied().eq(whole.tokens()), "{n}");
            assert_eq!(found.checksum, whole.checksum(&task, digest), "{n} stages");
            assert_eq!(found.ranking, None);
        }
    }
}

/// A receipt of another engine, with `edit` made to it.
fn external(edit: impl Fn(&mut Value)) -> Receipt {
    let mut receipt: Value = serde_json::from_str(RECEIPT).unwrap();
    receipt["engine"] = json!({ "name": "other", "version": null, "sha256": null, "command": "other", "model": null });
    edit(&mut receipt);
    serde_json::from_value(receipt).unwrap()
}

/// What the command finds of `receipt`, and then the pipeline, with the work of its passes.
fn both(receipt: &Receipt, file: &[u8], n: usize) -> (ReplayResult, ReplayResult, Vec<(u64, u64)>) {
    let sandbox = Sandbox::new(&Watch::default()).unwrap();
    let model = Arc::new(Model::from_bytes(file.to_vec()).unwrap());
    let expected = replay_receipt(receipt, &sandbox, &model, NonZeroUsize::new(2).unwrap());
    let tolerance = Tolerance::default();
    let mut passes = Passes::of_receipt(receipt, ends_of(&model), tolerance).unwrap();
    let run = (&receipt.task().unwrap(), &receipt.tokens[..]);
    let works = in_stages(&sandbox, file, run, n, &mut passes);
    let found = passes.found().unwrap().unwrap();
    (expected.unwrap().unwrap(), found, works)
}

fn same(expected: &ReplayResult, found: &ReplayResult) {
    assert_eq!(found.tokens, expected.tokens);
    assert_eq!(found.checksum, expected.checksum);
    // Every margin and the sensitivity, in every bit.
    assert_eq!(found.ranking, expected.ranking);
}

#[test]
fn another_engines_tokens_are_ranked_as_by_the_command() {
    for (file, n_tokens, n) in [(TINY, 128, 3), (TINY, 5, 1), (TINY_RUST, 120, 2)] {
        for kv_type in ["f16", "f32"] {
            let receipt = external(|r| {
                r["run"]["kv_type"] = json!(kv_type);
                r["run"]["tokens"] = json!(n_tokens);
                r["tokens"].as_array_mut().unwrap().truncate(n_tokens);
                r["tokens"][n_tokens / 2] = json!(7);
            });
            let (expected, found, works) = both(&receipt, file, n);
            same(&expected, &found);
            let ranking = found.ranking.unwrap();
            assert_eq!(ranking.margins.len(), n_tokens);
            assert!(ranking.sensitivity.unwrap() > 0.0);
            assert_all_done(&works, 2);
        }
    }
}

/// A tolerance that somebody sets is the same on any model.
#[test]
fn without_need_nobody_asks_how_sensitive_a_model_is() {
    let sandbox = Sandbox::new(&Watch::default()).unwrap();
    let receipt = external(|_| {});
    let mut passes = Passes::of_receipt(&receipt, Vec::new(), Tolerance::of_spreads(0.25)).unwrap();
    let run = (&receipt.task().unwrap(), &receipt.tokens[..]);
    assert_all_done(&in_stages(&sandbox, TINY, run, 2, &mut passes), 1);
    let ranking = passes.found().unwrap().unwrap().ranking.unwrap();
    assert_eq!((ranking.margins.len(), ranking.sensitivity), (128, None));
}

/// The pass in f32 comes first, whichever the replay is.
#[test]
fn only_the_replay_is_needed() {
    let sandbox = Sandbox::new(&Watch::default()).unwrap();
    let failure = || ReplayFailure::Refuted("no".into());
    let receipt = |kv_type| external(|r| r["run"]["kv_type"] = json!(kv_type));
    let of = |receipt| Passes::of_receipt(receipt, Vec::new(), Tolerance::default()).unwrap();

    let replay_is_first = receipt("f32");
    let mut passes = of(&replay_is_first);
    assert_eq!(passes.begin().unwrap().phase(), Phase::Replay);
    passes.fail(failure());
    assert_eq!(passes.begin(), None, "nothing else counts");
    let found = passes.found().unwrap();
    assert!(matches!(found, Err(ReplayFailure::Refuted(why)) if why == "no"));

    let replay_is_second = receipt("f16");
    let mut passes = of(&replay_is_second);
    assert_eq!(passes.begin().unwrap().phase(), Phase::Sensitivity);
    passes.fail(failure());
    let run = (
        &replay_is_second.task().unwrap(),
        &replay_is_second.tokens[..],
    );
    assert_all_done(&in_stages(&sandbox, TINY, run, 1, &mut passes), 1);
    let ranking = passes.found().unwrap().unwrap().ranking.unwrap();
    assert_eq!((ranking.margins.len(), ranking.sensitivity), (128, None));
}

/// Where a logit in the prompt is not finite, nobody knows how sensitive the model is, and the replay goes on.
#[test]
fn an_infinite_logit_in_the_prompt_is_no_failure_of_the_replay() {
    let mut file = TINY.to_vec();
    overflow_after_token_500(&mut file);
    for kv_type in ["f16", "f32"] {
        let receipt = external(|r| {
            r["run"]["kv_type"] = json!(kv_type);
            r["run"]["prompt_ids"] = json!([100, 250, 500, 250, 100]);
            r["run"]["tokens"] = json!(1);
            r["tokens"] = json!([250]);
        });
        let (expected, found, _) = both(&receipt, &file, 2);
        same(&expected, &found);
        assert_eq!(found.ranking.unwrap().sensitivity, None);
    }
}
