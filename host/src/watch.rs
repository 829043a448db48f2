//! Watches long work: its current phase, its progress, and a request to stop it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use engine_native::Observer;

/// A phase of long work. Each phase measures its [progress](Watch::progress) in its own unit of
/// work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading, validating and hashing a model. Work: bytes.
    Load,
    /// Packing weights for the kernels. Work: bytes.
    Arrange,
    /// An untimed run. Work, here and in the runs and replays below: multiply-accumulates.
    WarmUp {
        /// The number of the run, from 1.
        run: usize,
        /// The number of warm-up runs.
        of: usize,
    },
    /// A timed run.
    Measure {
        /// The number of the run, from 1.
        run: usize,
        /// The number of timed runs.
        of: usize,
    },
    /// A run whose operations are timed for a profile.
    Profile,
    /// Running claimed tokens on the native engine, for the guesses of a replay.
    Claim,
    /// Running claimed tokens with both types of KV cache, to find how much the model makes of rounding.
    Sensitivity,
    /// The replay by the reference in the sandbox.
    Replay,
    /// Measuring the read bandwidth of the memory.
    Bandwidth,
    /// Anything else, described in a few words such as "write the model".
    Other(&'static str),
}

impl Phase {
    /// Whether the phase's time is a result, so that nothing else should run at the same time.
    pub fn is_timed(self) -> bool {
        matches!(
            self,
            Self::WarmUp { .. } | Self::Measure { .. } | Self::Profile | Self::Bandwidth
        )
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Load => f.write_str("load and hash the model"),
            Self::Arrange => f.write_str("arrange the weights"),
            Self::WarmUp { run, of } => write!(f, "warm up {run}/{of}"),
            Self::Measure { run, of } => write!(f, "measure {run}/{of}"),
            Self::Profile => f.write_str("profile"),
            Self::Claim => f.write_str("run the tokens on the native engine"),
            Self::Sensitivity => f.write_str("measure how sensitive the model is"),
            Self::Replay => f.write_str("replay in the sandbox"),
            Self::Bandwidth => f.write_str("measure the read bandwidth"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

type OnPhase = Box<dyn Fn(Phase) + Send + Sync>;

/// Connects long work with the code that watches it. Clones share their state.
///
/// ```
/// use host::watch::{Phase, Watch};
///
/// let watch = Watch::default();
/// let in_signal_handler = watch.clone();
/// watch.begin(Phase::Other("sort the files"), 3);
/// assert_eq!(watch.progress(), (0, 3));
/// in_signal_handler.stop();
/// assert!(watch.is_stopped());
/// ```
#[derive(Clone, Default)]
pub struct Watch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_stopped: AtomicBool,
    on_stop: OnceLock<Box<dyn Fn() + Send + Sync>>,
    on_phase: Mutex<Option<OnPhase>>,
    done: AtomicU64,
    total: AtomicU64,
}

impl Watch {
    /// Asks the work to stop. It does so within a fraction of a second.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
        if let Some(interrupt) = self.0.on_stop.get() {
            interrupt();
        }
    }

    /// Whether the work was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::SeqCst)
    }

    /// From now on, calls `show` whenever a phase begins, on the thread that does the work.
    pub fn on_phase(&self, show: impl Fn(Phase) + Send + Sync + 'static) {
        *self.lock() = Some(Box::new(show));
    }

    /// Removes the function that [`Watch::on_phase`] set.
    pub fn forget_phases(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<OnPhase>> {
        self.0
            .on_phase
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of the current phase that is done, and its total.
    pub fn progress(&self) -> (u64, u64) {
        let total = self.0.total.load(Ordering::Relaxed);
        (self.0.done.load(Ordering::Relaxed).min(total), total)
    }

    /// Sets the work that is done, and its total, for phases that do not count it piece by piece.
    pub fn set_progress(&self, done: u64, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
        self.0.done.store(done, Ordering::Relaxed);
    }

    /// Calls `interrupt` at each request to stop. Only the first function set this way is ever
    /// called.
    #[cfg(feature = "run")]
    pub(crate) fn on_stop(&self, interrupt: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.on_stop.set(Box::new(interrupt));
    }

    /// Begins a phase. `work` is its total, or 0 if it is not known.
    pub fn begin(&self, phase: Phase, work: u64) {
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(work, Ordering::Relaxed);
        if let Some(show) = &*self.lock() {
            show(phase);
        }
    }
}

impl Observer for Watch {
    fn is_cancelled(&self) -> bool {
        self.0.is_stopped.load(Ordering::Relaxed)
    }

    fn advance(&self, work: u64) {
        self.0.done.fetch_add(work, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_starts_from_nothing_and_ends_at_its_total() {
        let watch = Watch::default();
        watch.begin(Phase::Load, 10);
        watch.advance(4);
        assert_eq!(watch.progress(), (4, 10));
        // Work that is repeated counts twice, but never shows as more than the total.
        watch.advance(9);
        assert_eq!(watch.progress(), (10, 10));
        watch.begin(Phase::Replay, 7);
        assert_eq!(watch.progress(), (0, 7));
    }

    #[test]
    fn a_request_to_stop_reaches_every_clone_and_the_sandbox() {
        let (watch, reached) = (Watch::default(), Arc::new(AtomicBool::new(false)));
        let clone = watch.clone();
        let seen = reached.clone();
        clone.on_stop(move || seen.store(true, Ordering::SeqCst));
        assert!(!clone.is_cancelled());
        watch.stop();
        assert!(clone.is_cancelled() && clone.is_stopped());
        assert!(reached.load(Ordering::SeqCst));
    }
}
