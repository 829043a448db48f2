//! Watching work that takes long: what it is doing, how far it is, and a request to stop.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use engine_native::Observer;

/// What is going on. Each phase has its own measure of work, of which [`Watch::progress`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A model is mapped, validated and hashed. Work: bytes.
    Load,
    /// Weights are arranged for the kernels. Work: bytes.
    Arrange,
    /// An untimed run. Work: multiply-accumulates, as for all that follow.
    WarmUp {
        /// Its number, from 1.
        run: usize,
        /// Warm-ups in all.
        of: usize,
    },
    /// A timed run.
    Measure {
        /// Its number, from 1.
        run: usize,
        /// Timed runs in all.
        of: usize,
    },
    /// A run that is timed inside, for a profile.
    Profile,
    /// The native engine is fed the tokens of a claim: guesses for the replay.
    Claim,
    /// The reference computes the run in the sandbox.
    Replay,
    /// Memory is read as fast as it can be.
    Bandwidth,
    /// Anything else, in a few words such as "write the model".
    Other(&'static str),
}

impl Phase {
    /// Whether the time that it takes is a result: nothing else should run meanwhile.
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
            Self::Replay => f.write_str("replay in the sandbox"),
            Self::Bandwidth => f.write_str("measure the read bandwidth"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

type OnPhase = Box<dyn Fn(Phase) + Send + Sync>;

/// Connects work with whoever watches it. Clones are the same watch.
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

    /// Calls `show` when a phase begins, on the thread that does the work, from now on.
    pub fn on_phase(&self, show: impl Fn(Phase) + Send + Sync + 'static) {
        *self.lock() = Some(Box::new(show));
    }

    /// Tells nobody of phases any more.
    pub fn forget_phases(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<OnPhase>> {
        self.0
            .on_phase
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How much of the phase's work is done, and how much there is in all.
    pub fn progress(&self) -> (u64, u64) {
        let total = self.0.total.load(Ordering::Relaxed);
        (self.0.done.load(Ordering::Relaxed).min(total), total)
    }

    /// Says how much of the phase's work is done, where it is not counted piece by piece.
    pub fn set_progress(&self, done: u64, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
        self.0.done.store(done, Ordering::Relaxed);
    }

    /// Calls `interrupt` with each request to stop. Only the first one that is given counts.
    pub(crate) fn on_stop(&self, interrupt: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.on_stop.set(Box::new(interrupt));
    }

    /// A phase begins, in which there is so much work to do; 0 where nobody knows.
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
        // What has to be done again counts twice, and is not shown as more than everything.
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
