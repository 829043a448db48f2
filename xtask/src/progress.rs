//! What a command is doing, on standard error.
//!
//! A terminal gets a line that is drawn over. A pipe gets a line for each phase: of every one where
//! that was asked for, otherwise of those that last. While a phase is timed, nothing wakes up to draw.

use std::{
    io::{self, IsTerminal},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use host::watch::{Phase, Watch};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    args::{LongOutputArgs, ProgressMode},
    exit::say,
};

/// Shows what `watch` tells until it is dropped. Nothing of it stays on a terminal.
pub struct RunProgress {
    shared: Arc<Shared>,
    drawing: Option<JoinHandle<()>>,
}

struct Shared {
    watch: Watch,
    display: Display,
    state: Mutex<State>,
    changed: Condvar,
}

enum Display {
    Bar(ProgressBar),
    /// A line for each phase that lasts so long.
    Lines(Duration),
}

#[derive(Default)]
struct State {
    /// What stands before the phase, such as "cell 3 of 12: ".
    part: String,
    phase: Option<(Phase, Instant)>,
    is_announced: bool,
    /// Quarters of the phase that have had their line.
    quarters: u64,
    is_over: bool,
}

/// A phase that lasts longer has its line in a pipe without being asked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time between two drawings.
const TICK: Duration = Duration::from_millis(200);

impl RunProgress {
    /// Shown as a command's arguments say.
    pub fn of(args: LongOutputArgs, watch: &Watch) -> Option<Self> {
        let display = match args.progress {
            _ if args.output.quiet => return None,
            ProgressMode::None => return None,
            ProgressMode::Plain => Display::Lines(Duration::ZERO),
            ProgressMode::Auto if io::stderr().is_terminal() => Display::Bar(bar()),
            ProgressMode::Auto => Display::Lines(PATIENCE),
        };
        let shared = Arc::new(Shared {
            watch: watch.clone(),
            display,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let (told, drawn) = (shared.clone(), shared.clone());
        watch.on_phase(move |phase| told.begin(phase));
        Some(Self {
            shared,
            drawing: std::thread::Builder::new().spawn(move || drawn.draw()).ok(),
        })
    }

    /// Says which part of a longer work the phases from now on belong to.
    pub fn part(&self, part: &str) {
        self.shared.lock().part = format!("{part}: ");
    }
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        self.shared.watch.forget_phases();
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        if let Some(drawing) = self.drawing.take() {
            let _ = drawing.join();
        }
        if let Display::Bar(bar) = &self.shared.display {
            bar.finish_and_clear();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, phase: Phase) {
        let mut state = self.lock();
        state.phase = Some((phase, Instant::now()));
        state.is_announced = false;
        state.quarters = 0;
        match &self.display {
            Display::Bar(bar) => {
                bar.reset();
                bar.set_message(format!("{}{phase}", state.part));
                bar.tick();
            }
            Display::Lines(patience) => state.announce(*patience),
        }
        self.changed.notify_all();
    }

    /// Draws now and then, until the display is dropped.
    fn draw(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let is_timed = state.phase.is_some_and(|(phase, _)| phase.is_timed());
            state = if is_timed {
                let waited = self.changed.wait(state);
                waited.unwrap_or_else(PoisonError::into_inner)
            } else {
                self.update(&mut state);
                let waited = self.changed.wait_timeout(state, TICK);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    fn update(&self, state: &mut State) {
        let (done, total) = self.watch.progress();
        match &self.display {
            Display::Bar(bar) => {
                if total == 0 {
                    bar.unset_length();
                    bar.set_style(style("{spinner} {msg} {elapsed}"));
                } else {
                    bar.set_length(total);
                    bar.set_style(style("{msg} {wide_bar} {percent}% {elapsed} (left: {eta})"));
                    bar.set_position(done);
                }
                bar.tick();
            }
            Display::Lines(patience) => {
                state.announce(*patience);
                state.advance(done, total);
            }
        }
    }
}

impl State {
    /// Prints the name of the phase once it has lasted for `patience`.
    fn announce(&mut self, patience: Duration) {
        if let (false, Some((phase, since))) = (self.is_announced, &self.phase)
            && since.elapsed() >= patience
        {
            say(format_args!("{}{phase} …", self.part));
            self.is_announced = true;
        }
    }

    /// Prints every quarter of a phase that has its line.
    fn advance(&mut self, done: u64, total: u64) {
        let quarters = (u128::from(done) * 4 / u128::from(total.max(1))) as u64;
        if quarters <= self.quarters {
            return;
        }
        self.quarters = quarters;
        if let (true, 1..4, Some((phase, _))) = (self.is_announced, quarters, &self.phase) {
            say(format_args!("{}{phase}, {} %", self.part, 25 * quarters));
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(style("{spinner} {msg} {elapsed}"));
    bar
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
