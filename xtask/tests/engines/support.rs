//! Starts engines and asks them.

use std::{
    fs, process,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use host::watch::Watch;
use xtask::engines::{Adapters, Answer, EngineFailure, EngineSpec, Request, Settings, start};
use xtask::exit::{Exit, Failure};

use crate::fake;

pub const PROMPT: [u32; 3] = [5, 6, 7];
pub const N: usize = 6;

/// Enough for every good engine.
pub const LONG: Duration = Duration::from_secs(60);
/// Enough to see that nothing comes.
pub const SHORT: Duration = Duration::from_millis(400);

pub fn settings(patience: Duration) -> Settings {
    Settings {
        model: "/no/such/model.gguf".into(),
        threads: 1,
        context: 64,
        n_vocab: fake::N_VOCAB,
        start: LONG,
        silence: patience,
    }
}

/// A tag that no other engine of any test has.
pub fn tag() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let n = NEXT.fetch_add(1, Ordering::SeqCst);
    format!("{}-{n}", process::id())
}

/// The engine of this text, as a user writes it.
pub fn spec(text: &str) -> EngineSpec {
    EngineSpec::parse(text, &Adapters::built_in()).unwrap()
}

/// Starts the engine, runs it once, ends it, and checks that nothing of it is left.
pub fn run(
    text: &str,
    tag: &str,
    settings: &Settings,
    request: &Request,
) -> Result<Answer, EngineFailure> {
    let watch = Watch::default();
    let answer =
        start(&spec(text), settings, &watch).and_then(|mut engine| engine.run(request, &watch));
    fake::assert_none_left(tag);
    answer
}

/// A failure as users see it: its exit code and its line, of which the place of the log is left out. The
/// log is removed.
pub fn told(failure: EngineFailure) -> (Exit, String) {
    let log = failure.log.clone();
    let failure = Failure::from(failure);
    let mut line = failure.to_string();
    assert!(!line.contains('\n'), "{line}");
    if let Some(log) = log {
        assert!(!fs::read(&log).unwrap().is_empty());
        fs::remove_file(&log).unwrap();
        line = line.replace(&log.display().to_string(), "LOG");
    }
    (failure.exit, line)
}

/// Checks that the fake engine's answer is right, and that its times are those of an engine that sleeps before
/// each token.
pub fn assert_right_and_timed(got: &Answer) {
    assert_eq!(got.tokens, fake::tokens(&PROMPT, N));
    assert_eq!(got.step_ns.len(), N - 1);
    let step = fake::STEP.as_nanos() as u64;
    assert!(got.first_ns >= step, "{got:?}");
    let all = got.first_ns + got.step_ns.iter().sum::<u64>();
    assert!(all >= N as u64 * step, "{got:?}");
}
