//! A prompt may be fed in two parts: no result depends on where it is cut.

use std::{path::Path, sync::Arc};

use engine_native::{
    Engine, KernelChoice, LogitsAt, Model, PositionTrace, RunError, SessionOptions,
};

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");
const N_PROMPT: usize = 40;
const N_TOKENS: usize = 5;

fn engine(n_threads: usize) -> Engine {
    let model = Arc::new(Model::open(Path::new(TINY)).unwrap());
    Engine::new(model, KernelChoice::Auto.resolve().unwrap(), n_threads).unwrap()
}

fn prompt() -> Vec<u32> {
    (0..N_PROMPT as u32).map(|i| i * 37 % 512).collect()
}

/// Tokens and traces of a run whose first `ahead` prompt tokens are fed ahead.
fn run(engine: &Engine, ahead: usize) -> (Vec<u32>, Vec<PositionTrace>) {
    let mut session = engine
        .session(SessionOptions::new(N_PROMPT + N_TOKENS - 1))
        .unwrap();
    let mut steps = session.generate(&prompt(), N_TOKENS).unwrap();
    if ahead > 0 {
        steps.feed_ahead(ahead).unwrap();
    }
    let (mut tokens, mut traces) = (Vec::new(), Vec::new());
    for step in steps {
        let step = step.unwrap();
        tokens.push(step.choice.token);
        traces.extend(step.positions);
    }
    (tokens, traces)
}

#[test]
fn no_result_depends_on_the_cut() {
    for n_threads in [1, 2] {
        let engine = engine(n_threads);
        let whole = run(&engine, 0);
        assert_eq!(whole.1.len(), N_PROMPT + N_TOKENS - 1);
        for ahead in [1, 2, 15, 16, 33, N_PROMPT - 1] {
            assert_eq!(run(&engine, ahead), whole, "{ahead} of {N_PROMPT}");
        }
    }
}

#[test]
fn something_is_left_to_the_first_step() {
    let engine = engine(1);
    let n_positions = N_PROMPT + N_TOKENS - 1;
    let mut session = engine.session(SessionOptions::new(n_positions)).unwrap();
    let mut steps = session.generate(&prompt(), N_TOKENS).unwrap();
    for n in [N_PROMPT, N_PROMPT + 1] {
        let error = steps.feed_ahead(n).unwrap_err();
        let left = N_PROMPT;
        assert!(
            matches!(error, RunError::FeedAhead { n: found, left: of } if (found, of) == (n, left))
        );
    }
    steps.feed_ahead(3).unwrap();
    assert!(steps.feed_ahead(N_PROMPT - 3).is_err());
    let all_logits = SessionOptions {
        logits: LogitsAt::EveryPosition,
        ..SessionOptions::new(n_positions)
    };
    let mut session = engine.session(all_logits).unwrap();
    assert!(
        session
            .generate(&prompt(), N_TOKENS)
            .unwrap()
            .feed_ahead(1)
            .is_err()
    );
}
