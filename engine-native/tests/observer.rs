//! Observers: they see all of the work, and stop it between any two pieces.

#[path = "support/grouped.rs"]
mod grouped;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use engine_native::{
    Engine, EngineOptions, I2sLayout, KernelChoice, Model, ModelError, ModelSource, Observer, Op,
    Packing, RunError, Screening, SessionOptions,
};

const PROMPT: [u32; 9] = [5, 77, 300, 9, 41, 2, 8, 130, 4];
const N_TOKENS: usize = 4;

/// Counts work, and stops it after some questions.
struct Counter {
    work: AtomicU64,
    questions_left: AtomicU64,
}

impl Counter {
    fn stopping_after(n_questions: u64) -> Arc<Self> {
        Arc::new(Self {
            work: AtomicU64::new(0),
            questions_left: AtomicU64::new(n_questions),
        })
    }

    fn new() -> Arc<Self> {
        Self::stopping_after(u64::MAX)
    }

    fn work(&self) -> u64 {
        self.work.load(Relaxed)
    }
}

impl Observer for Counter {
    fn is_cancelled(&self) -> bool {
        let next = |left: u64| left.checked_sub(1);
        self.questions_left
            .fetch_update(Relaxed, Relaxed, next)
            .is_err()
    }

    fn advance(&self, work: u64) {
        self.work.fetch_add(work, Relaxed);
    }
}

fn load(observer: &dyn Observer) -> Result<Model, ModelError> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
    let file = ModelSource::open(Path::new(path))
        .unwrap()
        .read(&())
        .unwrap();
    Model::load(file, I2sLayout::default(), observer)
}

fn options(screening: Screening, n_threads: usize) -> EngineOptions {
    EngineOptions {
        packing: Packing::TwoBit,
        screening,
        min_part_work: 1,
        ..EngineOptions::new(n_threads)
    }
}

fn engine(options: EngineOptions, observer: &dyn Observer) -> Result<Engine, RunError> {
    engine_of(Arc::new(load(&()).unwrap()), options, observer)
}

fn engine_of(
    model: Arc<Model>,
    options: EngineOptions,
    observer: &dyn Observer,
) -> Result<Engine, RunError> {
    let kernels = KernelChoice::Auto.resolve().unwrap();
    Engine::with_options(model, kernels, options, observer)
}

/// Session options of several kinds, each with the number of choices in a run.
fn sessions() -> Vec<(SessionOptions, usize)> {
    let of_chunk = |prefill_chunk| SessionOptions {
        prefill_chunk,
        ..SessionOptions::new(PROMPT.len() + N_TOKENS)
    };
    let choosing = SessionOptions {
        choose_from: 3,
        ..of_chunk(2)
    };
    let n_more = PROMPT.len() - 1 - choosing.choose_from;
    vec![
        (of_chunk(1), N_TOKENS),
        (of_chunk(64), N_TOKENS),
        (choosing, N_TOKENS + n_more),
    ]
}

/// The tokens of a run, or the error that ended it.
fn run(
    engine: &Engine,
    options: SessionOptions,
    observer: Arc<dyn Observer>,
) -> Result<Vec<u32>, RunError> {
    let mut session = engine.session(options).unwrap();
    session.set_observer(observer);
    let tokens = session.generate(&PROMPT, N_TOKENS).unwrap();
    let tokens = tokens
        .map(|step| step.map(|step| step.choice.token))
        .collect();
    if tokens == Err(RunError::Cancelled) {
        session.set_observer(Arc::new(()));
        let again = session.generate(&PROMPT, N_TOKENS).unwrap();
        let again: Vec<_> = again.map(|step| step.unwrap().choice.token).collect();
        let expected = run(engine, options, Arc::new(()));
        assert_eq!(expected, Ok(again), "after a run that was stopped");
    }
    tokens
}

#[test]
fn loading_counts_the_bytes_of_tensors() {
    let counter = Counter::new();
    let model = load(&*counter).unwrap();
    let tensors: u64 = model
        .description()
        .weight_types
        .iter()
        .map(|(_, bytes)| bytes)
        .sum();
    let norms = 4 * model.output_norm().len() as u64;
    assert!(counter.work() <= tensors);
    assert!(counter.work() >= tensors - 10 * norms * model.shape().n_layers);
}

#[test]
fn setup_counts_the_bytes_of_packed_weights() {
    for screening in [Screening::Off, Screening::Always] {
        let (counter, options) = (Counter::new(), options(screening, 1));
        let engine = engine(options, &*counter).unwrap();
        let kernels = KernelChoice::Auto.resolve().unwrap();
        let expected = Engine::bytes_to_pack(engine.model(), &*kernels, &options);
        assert_eq!(counter.work(), expected);
    }
}

#[test]
fn a_run_counts_its_multiply_accumulates() {
    for screening in [Screening::Off, Screening::Always] {
        for n_threads in [1, 3] {
            let engine = engine(options(screening, n_threads), &()).unwrap();
            for (options, n_choices) in sessions() {
                let counter = Counter::new();
                run(&engine, options, counter.clone()).unwrap();
                let n_positions = (PROMPT.len() + N_TOKENS - 1) as u64;
                let shape = engine.model().shape();
                let expected = Op::run_work(shape, n_positions, n_choices as u64);
                assert_eq!(Some(counter.work()), expected, "{options:?}");
            }
        }
    }
}

/// Grouped ternary output matrices are not screened. That the hidden state is quantized for them is not in
/// the shape, and so not in the work.
#[test]
fn grouped_ternary_weights_are_counted() {
    let model = grouped::model(&[]);
    for (screening, n_threads) in [(Screening::Off, 1), (Screening::Always, 3)] {
        let (counter, options) = (Counter::new(), options(screening, n_threads));
        let engine = engine_of(model.clone(), options, &*counter).unwrap();
        let kernels = KernelChoice::Auto.resolve().unwrap();
        let expected = Engine::bytes_to_pack(&model, &*kernels, &options);
        assert!(expected > 0, "panels are a copy");
        assert_eq!(counter.work(), expected);
        for (options, n_choices) in sessions() {
            let counter = Counter::new();
            run(&engine, options, counter.clone()).unwrap();
            let n_positions = (PROMPT.len() + N_TOKENS - 1) as u64;
            let expected = Op::run_work(model.shape(), n_positions, n_choices as u64);
            assert_eq!(Some(counter.work()), expected, "{options:?}");
        }
    }
}

#[test]
fn a_run_with_grouped_weights_stops_anywhere() {
    let is_cancelled = |error: &RunError| *error == RunError::Cancelled;
    let model = grouped::model(&[]);
    let options = options(Screening::Auto, 2);
    stop_anywhere(
        |counter| engine_of(model.clone(), options, &*counter),
        is_cancelled,
    );
    let engine = engine_of(model, options, &()).unwrap();
    let [.., (choosing, _)] = sessions()[..] else {
        panic!("several kinds");
    };
    stop_anywhere(|counter| run(&engine, choosing, counter), is_cancelled);
}

/// Stops `work` after 0, 1, 2, 4, … questions, until it is not stopped any more.
fn stop_anywhere<T, E>(work: impl Fn(Arc<Counter>) -> Result<T, E>, is_cancelled: fn(&E) -> bool) {
    let doubling = std::iter::successors(Some(0), |n| Some((2 * n).max(1)));
    let results = doubling.map(|n_questions| work(Counter::stopping_after(n_questions)));
    let n_stopped = results
        .take_while(Result::is_err)
        .filter_map(Result::err)
        .inspect(|error| assert!(is_cancelled(error)))
        .count();
    assert!(n_stopped > 2, "stopped only {n_stopped} times");
}

#[test]
fn loading_stops_anywhere() {
    let is_cancelled = |error: &ModelError| matches!(error, ModelError::Cancelled);
    stop_anywhere(|counter| load(&*counter), is_cancelled);
}

#[test]
fn setup_stops_anywhere() {
    let is_cancelled = |error: &RunError| *error == RunError::Cancelled;
    let work = |counter: Arc<Counter>| engine(options(Screening::Always, 1), &*counter);
    stop_anywhere(work, is_cancelled);
}

#[test]
fn a_run_stops_anywhere_and_the_session_can_be_used_again() {
    let is_cancelled = |error: &RunError| *error == RunError::Cancelled;
    for screening in [Screening::Off, Screening::Always] {
        let engine = engine(options(screening, 2), &()).unwrap();
        for (options, _) in sessions() {
            stop_anywhere(|counter| run(&engine, options, counter), is_cancelled);
        }
    }
}
