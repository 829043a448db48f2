//! What a command is doing, on standard error.
//!
//! A terminal gets a line that is drawn over. A pipe gets a line for each phase: of every one where
//! that was asked for, otherwise of those that last.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use host::run::Phase;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{LongOutputArgs, ProgressMode};

/// What a command is doing. Nothing stays on a terminal when it is dropped.
pub struct RunProgress {
    display: Display,
    is_replaying: AtomicBool,
}

enum Display {
    Hidden,
    Bar(ProgressBar),
    Lines(Lines),
}

/// A phase that lasts longer has its line in a pipe without being asked.
const PATIENCE: Duration = Duration::from_secs(5);

impl RunProgress {
    /// Shown as fits standard error, unless `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self::with_mode(ProgressMode::Auto, quiet)
    }

    /// Shown as a command's arguments say.
    pub fn of(args: LongOutputArgs) -> Self {
        Self::with_mode(args.progress, args.output.quiet)
    }

    fn with_mode(mode: ProgressMode, quiet: bool) -> Self {
        let display = match mode {
            _ if quiet => Display::Hidden,
            ProgressMode::None => Display::Hidden,
            ProgressMode::Plain => Display::Lines(Lines::at_once()),
            ProgressMode::Auto if io::stderr().is_terminal() => Display::Bar(spinner()),
            ProgressMode::Auto => Display::Lines(Lines::after(PATIENCE)),
        };
        Self {
            display,
            is_replaying: AtomicBool::new(false),
        }
    }

    /// A phase begins.
    pub fn phase(&self, name: &str) {
        self.is_replaying.store(false, Ordering::Relaxed);
        match &self.display {
            Display::Hidden => {}
            Display::Bar(bar) => {
                restart(bar, name);
                bar.enable_steady_tick(Duration::from_millis(200));
            }
            Display::Lines(lines) => lines.phase(name),
        }
    }

    /// A phase begins in which time is taken: nothing is drawn until it ends.
    pub fn timed_phase(&self, name: &str) {
        match &self.display {
            Display::Bar(bar) => {
                bar.disable_steady_tick();
                restart(bar, name);
                bar.tick();
            }
            Display::Hidden | Display::Lines(_) => self.phase(name),
        }
    }

    /// So much of the phase is done.
    pub fn advance(&self, done: u64, of: u64) {
        match &self.display {
            Display::Hidden => {}
            Display::Bar(bar) => {
                if bar.length() != Some(of) {
                    bar.set_length(of);
                    let with_bar = "{msg} {wide_bar} {percent}% {elapsed} (left: {eta})";
                    bar.set_style(style(with_bar));
                }
                bar.set_position(done);
            }
            Display::Lines(lines) => lines.advance(done, of),
        }
    }

    /// Shows a phase of a run.
    pub fn show(&self, phase: Phase) {
        match phase {
            Phase::Load => self.phase("load and hash the model"),
            Phase::WarmUp { done, of } => {
                self.timed_phase(&format!("warm up {}/{of}", done + 1));
            }
            Phase::Measure { done, of } => {
                self.timed_phase(&format!("measure {}/{of}", done + 1));
            }
            Phase::Replay { done, of } => self.replay(done, of),
        }
    }

    /// Shows how far a replay is.
    pub fn replay(&self, done: u64, of: u64) {
        if !self.is_replaying.load(Ordering::Relaxed) {
            self.phase("replay in the sandbox");
            self.is_replaying.store(true, Ordering::Relaxed);
        }
        self.advance(done, of);
    }
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(style("{spinner} {msg} {elapsed}"));
    bar
}

fn restart(bar: &ProgressBar, name: &str) {
    bar.reset();
    bar.unset_length();
    bar.set_style(style("{spinner} {msg} {elapsed}"));
    bar.set_message(name.to_owned());
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A line for each phase.
struct Lines {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    phase: Option<(String, Instant)>,
    is_announced: bool,
    quarters: u64,
    is_over: bool,
}

impl Lines {
    /// Every phase has its line.
    fn at_once() -> Self {
        Self {
            shared: Arc::default(),
            watcher: None,
        }
    }

    /// Phases that last longer have one.
    fn after(patience: Duration) -> Self {
        let shared = Arc::<Shared>::default();
        let watched = shared.clone();
        let watch = move || {
            let mut state = watched.lock();
            while !state.is_over {
                state.announce(patience);
                // Seldom, and not when a phase begins: one that is timed is left alone.
                let waited = watched.ended.wait_timeout(state, Duration::from_secs(1));
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        };
        Self {
            shared,
            watcher: std::thread::Builder::new().spawn(watch).ok(),
        }
    }

    fn phase(&self, name: &str) {
        let mut state = self.shared.lock();
        state.phase = Some((name.to_owned(), Instant::now()));
        state.is_announced = false;
        state.quarters = 0;
        if self.watcher.is_none() {
            state.announce(Duration::ZERO);
        }
    }

    fn advance(&self, done: u64, of: u64) {
        let mut state = self.shared.lock();
        let quarters = (u128::from(done) * 4 / u128::from(of.max(1))) as u64;
        if quarters <= state.quarters {
            return;
        }
        state.quarters = quarters;
        if let (true, 1..4, Some((name, _))) = (state.is_announced, quarters, &state.phase) {
            eprintln!("{name}, {} %", 25 * quarters);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.ended.notify_all();
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Prints the name of the phase once it has lasted for `patience`.
    fn announce(&mut self, patience: Duration) {
        if let (false, Some((name, since))) = (self.is_announced, &self.phase)
            && since.elapsed() >= patience
        {
            eprintln!("{name} …");
            self.is_announced = true;
        }
    }
}
