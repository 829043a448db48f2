//! A replay by several guests at once is the replay in order, whatever they started from; an audit
//! finds what is wrong in the units that it computes.

mod support;

use std::sync::{Arc, LazyLock};

use engine_native::{Engine, EngineOptions, KernelChoice, KvType, Model, PositionTrace};
use host::{
    replay::{Audited, Finding, Guesses, Replay, Unit, audit, replay, units_of},
    run::{NativeRunner, Recording, Runner},
    task::{Task, seeded_prompt},
    watch::Watch,
};
use proptest::prelude::*;
use support::{SANDBOX, task};
use xtask::make_model::{Shape, to_vec};

const N_LAYERS: usize = 5;
const N_POSITIONS: usize = 9;

/// A model, a task, what a native run leaves and what the replay in order computes.
struct Case {
    model: Arc<Model>,
    task: Task,
    recording: Recording,
    in_order: Replay,
}

static CASE: LazyLock<Case> = LazyLock::new(|| {
    let shape = Shape {
        n_vocab: 300,
        n_embd: 128,
        n_layers: N_LAYERS as u32,
        n_heads: 2,
        n_kv_heads: 1,
        head_dim: 64,
        n_ff: 128,
        context_length: 64,
        rope_base: 10_000.0,
        rms_epsilon: 1e-5,
    };
    let model = Arc::new(Model::from_bytes(to_vec(&shape, "guesses", 3).unwrap()).unwrap());
    let task = task(
        &seeded_prompt(3, None, 4, 300),
        N_POSITIONS - 3,
        KvType::F16,
    );
    let kernels = KernelChoice::Auto.resolve().unwrap();
    let engine = Engine::with_options(model.clone(), kernels, EngineOptions::new(1), &()).unwrap();
    let mut runner = NativeRunner::new(&engine, &task).unwrap();
    let recording = runner.record(&task, &Watch::default()).unwrap();
    let in_order = replayed(&model, &task, &recording.tokens, None);
    Case {
        model,
        task,
        recording,
        in_order,
    }
});

fn replayed(model: &Model, task: &Task, tokens: &[u32], guesses: Option<Guesses>) -> Replay {
    replay(&SANDBOX, model.into(), task, tokens, guesses).unwrap()
}

/// What a native run left, to be edited.
fn traces() -> Vec<PositionTrace> {
    CASE.recording.traces.clone()
}

fn assert_same_as_in_order(traces: &[PositionTrace], guests: usize) {
    let guesses = Some(Guesses { traces, guests });
    let found = replayed(&CASE.model, &CASE.task, &CASE.recording.tokens, guesses);
    assert_eq!(found.records, CASE.in_order.records);
    assert_eq!(found.fuel, CASE.in_order.fuel, "fuel");
    assert_eq!(found.shape, CASE.in_order.shape);
}

#[test]
fn right_guesses_with_any_number_of_guests() {
    assert_eq!(CASE.in_order.records.len(), N_POSITIONS);
    for guests in [1, 2, 3, 6, 16] {
        assert_same_as_in_order(&traces(), guests);
    }
}

#[test]
fn guesses_of_another_form_are_not_used() {
    assert_same_as_in_order(&[], 2);
    assert_same_as_in_order(&traces()[1..], 2);
    let mut short = traces();
    short[3].boundaries.pop();
    assert_same_as_in_order(&short, 2);
    let mut other = traces();
    other[0].hidden.clear();
    assert_same_as_in_order(&other, 2);
}

/// The reference refuses what is not finite: here it must not have been asked.
#[test]
fn guesses_that_no_layer_can_have_left() {
    for (layer, value) in [(0, f32::NAN), (2, f32::INFINITY), (4, f32::MAX)] {
        let mut wrong = traces();
        let n_embd = wrong[0].hidden.len();
        wrong[1].boundaries[layer * n_embd] = value;
        assert_same_as_in_order(&wrong, 3);
    }
    let mut zeros = traces();
    zeros.iter_mut().for_each(|t| t.boundaries.fill(0.0));
    assert_same_as_in_order(&zeros, 2);
}

/// A claim that is wrong is answered alike.
#[test]
fn a_false_claim() {
    let mut claimed = CASE.recording.tokens.clone();
    claimed[1] ^= 1;
    let in_order = replayed(&CASE.model, &CASE.task, &claimed, None);
    let guesses = Some(Guesses {
        traces: &CASE.recording.traces,
        guests: 2,
    });
    let found = replayed(&CASE.model, &CASE.task, &claimed, guesses);
    assert_eq!(found.records, in_order.records);
    assert_ne!(found.records, CASE.in_order.records);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// One bit, anywhere.
    #[test]
    fn one_wrong_bit(
        layer in 0..N_LAYERS,
        position in 0..N_POSITIONS,
        element in 0..128usize,
        bit in 0..32,
        guests in 2..5usize,
    ) {
        let mut wrong = traces();
        let n_embd = wrong[position].hidden.len();
        let x = &mut wrong[position].boundaries[layer * n_embd + element];
        *x = f32::from_bits(x.to_bits() ^ (1u32 << bit));
        assert_same_as_in_order(&wrong, guests);
    }
}

/// The audit of some units, from what a native run left.
fn audited(units: &[Unit], traces: &[PositionTrace], guests: usize) -> Audited {
    let Case { model, task, .. } = &*CASE;
    let guesses = Guesses { traces, guests };
    audit(&SANDBOX, (&**model).into(), task, units, guesses).unwrap()
}

/// Asserts that exactly the units of `wrong` are found when each is audited alone, at `position`.
fn assert_found(traces: &[PositionTrace], wrong: &[Unit], position: usize) {
    for unit in units_of(&CASE.task, N_LAYERS) {
        let found = match audited(std::slice::from_ref(&unit), traces, 1) {
            Audited::Agrees => None,
            Audited::Differs(finding) => Some(finding),
        };
        let expected = wrong.contains(&unit).then_some(Finding { unit, position });
        assert_eq!(found, expected);
    }
}

#[test]
fn an_audit_of_a_right_run_agrees() {
    let all = units_of(&CASE.task, N_LAYERS);
    assert_eq!(all.len(), N_LAYERS + 1);
    for guests in [1, 2, 5] {
        assert!(matches!(audited(&all, &traces(), guests), Audited::Agrees));
    }
    assert_found(&traces(), &[], 0);
}

/// A layer that computed something else is found by its own unit; where the next one computed on from
/// that, by none but it.
#[test]
fn an_audit_finds_the_layer_that_is_wrong() {
    let n_embd = traces()[0].hidden.len();
    for (layer, position) in [(0, 0), (2, 3), (3, N_POSITIONS - 1)] {
        let mut wrong = traces();
        let x = &mut wrong[position].boundaries[layer * n_embd + 7];
        *x = f32::from_bits(x.to_bits() ^ 1);
        let unit = Unit::Layer(layer);
        let finding = match audited(std::slice::from_ref(&unit), &wrong, 1) {
            Audited::Differs(finding) => finding,
            Audited::Agrees => panic!("layer {layer}: one bit at position {position} is not found"),
        };
        assert_eq!(finding, Finding { unit, position });
    }
}

#[test]
fn an_audit_finds_a_wrong_head() {
    let position = N_POSITIONS - 2;
    let head = units_of(&CASE.task, N_LAYERS).pop().unwrap();
    let edits: [fn(&mut PositionTrace); 4] = [
        |t| t.hidden[3] = f32::from_bits(t.hidden[3].to_bits() ^ 1),
        |t| t.choice.as_mut().unwrap().token ^= 1,
        |t| t.choice.as_mut().unwrap().logit *= 2.0,
        |t| t.choice = None,
    ];
    for edit in edits {
        let mut wrong = traces();
        edit(&mut wrong[position]);
        assert_found(&wrong, std::slice::from_ref(&head), position);
    }
}
