//! Times by operation, and the memory traffic of operations.

use std::{path::Path, sync::Arc, time::Duration};

use engine_native::{
    Engine, EngineOptions, I2sLayout, KernelChoice, KvType, Ledger, Model, ModelSource, Op,
    Packing, SessionOptions,
};

fn engine(packing: Packing) -> Engine {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tiny.gguf");
    let file = ModelSource::open(&path).unwrap().read(&()).unwrap();
    let model = Arc::new(Model::load(file, I2sLayout::default(), &()).unwrap());
    let options = EngineOptions {
        packing,
        ..EngineOptions::new(2)
    };
    let kernels = KernelChoice::Auto.resolve().unwrap();
    Engine::with_options(model, kernels, options, &()).unwrap()
}

/// Decodes six tokens. Returns the wall time and the ledger.
fn run(is_timed: bool) -> (Duration, Ledger) {
    let options = SessionOptions::new(9);
    let mut session = engine(Packing::Auto).session(options).unwrap();
    session.set_timed(is_timed);
    let steps = session.generate(&[1, 2, 3, 4], 6).unwrap();
    let wall = steps.map(|step| step.unwrap().elapsed).sum();
    (wall, session.ledger())
}

#[test]
fn a_timed_run_has_a_time_for_all_that_ran_and_no_more_than_it_took() {
    let (wall, ledger) = run(true);
    let mut sum = Duration::ZERO;
    for &op in Op::ALL {
        let total = ledger.total(op);
        assert_eq!(total.tally.calls > 0, !total.time.is_zero(), "{op:?}");
        sum += total.time;
    }
    assert!(sum <= wall, "{sum:?} of {wall:?}");
}

#[test]
fn timing_changes_no_count_and_is_off_unless_asked_for() {
    let ((_, timed), (_, plain)) = (run(true), run(false));
    assert_eq!(timed.entries(), plain.entries());
    for &op in Op::ALL {
        assert!(plain.total(op).time.is_zero(), "{op:?}");
    }
}

#[test]
fn the_models_own_rows_and_the_cache_are_what_a_step_reads() {
    let engine = engine(Packing::Off);
    let (model, shape) = (engine.model(), engine.model().shape());
    for (kv_type, bytes) in [(KvType::F16, 2), (KvType::F32, 4)] {
        for position in [0, 7] {
            let per_position = 2 * shape.n_layers * shape.n_kv_heads * shape.head_dim * bytes;
            // The tiny model is not screened, so a choice computes all logits.
            let macs = |op| match op {
                Op::OutputScreen | Op::OutputRefine => 0,
                _ => shape.n_vocab * shape.n_embd,
            };
            let steps = position..position + 1;
            let read = |&op| engine.bytes_read(op, kv_type, steps.clone(), macs(op));
            assert_eq!(
                Op::ALL.iter().map(read).sum::<u64>(),
                model.bytes_per_token() + per_position * (position as u64 + 1)
            );
        }
    }
}

#[test]
fn weights_that_fit_a_cache_have_no_bandwidth() {
    let found = engine(Packing::Auto).read_bandwidth(Duration::ZERO);
    assert_eq!(found.unwrap(), None);
}
