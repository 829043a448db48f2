//! Threads that wait for work by spinning. A decode step has about 150 parallel regions, of a few
//! microseconds to a millisecond each; waking a sleeping thread takes longer than the short ones.
//!
//! A region costs two atomic operations per thread, without allocations, locks or system calls.
//! Threads that have been idle for a while sleep until the next region. No library offered this
//! with a safe interface and without a C++ compiler. So this module, and no other, argues what the
//! compiler cannot check: that a borrowed closure outlives the region.

use std::{
    cell::UnsafeCell,
    hint,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Spins before a thread starts to yield the processor: about 50 µs.
const SPINS: usize = 1 << 11;
/// Yields before a thread sleeps.
const YIELDS: usize = 1 << 8;

/// Alone on its cache line and on the adjacent one, which is prefetched with it.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Alone<T>(T);

type Job<'a> = dyn Fn(usize) + Sync + 'a;

#[derive(Default)]
struct Shared {
    /// Number of regions so far; incrementing it starts one.
    region: Alone<AtomicUsize>,
    /// Number of helpers that have not finished the region.
    pending: Alone<AtomicUsize>,
    /// The closure of the region. The leader writes it between regions only.
    job: UnsafeCell<Option<*const Job<'static>>>,
    n_asleep: AtomicUsize,
    is_busy: AtomicBool,
    stop: AtomicBool,
    panicked: AtomicBool,
}

// SAFETY: `job` is the only member that is not `Sync`. The leader writes it when no region runs, then
// releases `region`; the threads read it after they have acquired the new `region`, and release
// `pending`, which the leader acquires before it writes again. What it points to is `Sync`.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer is followed only inside a region.
unsafe impl Send for Shared {}

/// The caller's thread, which leads, and helper threads.
pub(super) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let n_helpers = self.helpers.len();
        f.debug_struct("Team")
            .field("n_helpers", &n_helpers)
            .finish()
    }
}

impl Team {
    /// Starts `n_helpers` helper threads.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn new(n_helpers: usize) -> std::io::Result<Self> {
        let mut team = Self {
            shared: Arc::default(),
            helpers: Vec::with_capacity(n_helpers),
        };
        for index in 1..=n_helpers {
            let shared = team.shared.clone();
            let name = format!("engine-{index}");
            let helper = thread::Builder::new().name(name);
            // If one cannot be started, dropping `team` ends the others.
            team.helpers
                .push(helper.spawn(move || help(&shared, index))?);
        }
        Ok(team)
    }

    /// Calls `job(0)` on this thread and `job(1)`, `job(2)`, … on the helpers, and returns when all
    /// are done.
    ///
    /// # Panics
    /// A call of `job` panicked.
    pub(super) fn run(&self, job: &Job) {
        let shared = &*self.shared;
        // Sessions of one engine may run on several threads at once. Their regions take turns.
        let mut wait = Wait::default();
        while shared.is_busy.swap(true, Ordering::Acquire) {
            wait.pause();
        }
        let region = Region {
            shared,
            helpers: &self.helpers,
        };
        // SAFETY: `region` ends, at the latest when it is dropped in a panic, before `job` goes out of
        // scope, and no helper follows the pointer after the end of the region.
        let erased = unsafe { std::mem::transmute::<*const Job, *const Job<'static>>(job) };
        region.start(erased);
        job(0);
        drop(region);
        assert!(
            !self.shared.panicked.load(Ordering::Relaxed),
            "a thread of the engine panicked"
        );
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.region.0.fetch_add(1, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // Its panic was already reported, in the region where it happened.
            let _ = helper.join();
        }
    }
}

/// A running region. It ends when this is dropped, also in a panic.
struct Region<'a> {
    shared: &'a Shared,
    helpers: &'a [JoinHandle<()>],
}

impl Region<'_> {
    fn start(&self, job: *const Job<'static>) {
        // SAFETY: no region runs, so no helper reads `job`.
        unsafe { *self.shared.job.get() = Some(job) };
        let n_helpers = self.helpers.len();
        self.shared.pending.0.store(n_helpers, Ordering::Relaxed);
        // A helper that goes to sleep first increments `n_asleep` and then checks `region` again;
        // here the order is reversed, so at least one of the two sees the other.
        self.shared.region.0.fetch_add(1, Ordering::SeqCst);
        if self.shared.n_asleep.load(Ordering::SeqCst) > 0 {
            for helper in self.helpers {
                helper.thread().unpark();
            }
        }
    }
}

impl Drop for Region<'_> {
    fn drop(&mut self) {
        let mut wait = Wait::default();
        while self.shared.pending.0.load(Ordering::Acquire) > 0 {
            wait.pause();
        }
        self.shared.is_busy.store(false, Ordering::Release);
    }
}

/// The loop of a helper thread.
fn help(shared: &Shared, index: usize) {
    let mut seen = 0;
    loop {
        seen = next_region(shared, seen);
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        // SAFETY: `region` was acquired, and the leader does not write before `pending` is released.
        let job = unsafe { *shared.job.get() };
        if let Some(job) = job {
            // SAFETY: the leader keeps the closure until `pending` is released.
            let job = unsafe { &*job };
            if catch_unwind(AssertUnwindSafe(|| job(index))).is_err() {
                shared.panicked.store(true, Ordering::Relaxed);
            }
        }
        shared.pending.0.fetch_sub(1, Ordering::Release);
    }
}

/// Waits until the region number is not `seen`, and returns it.
fn next_region(shared: &Shared, seen: usize) -> usize {
    let mut wait = Wait::default();
    loop {
        let region = shared.region.0.load(Ordering::SeqCst);
        if region != seen {
            return region;
        }
        if !wait.pause() {
            shared.n_asleep.fetch_add(1, Ordering::SeqCst);
            while shared.region.0.load(Ordering::SeqCst) == seen {
                thread::park();
            }
            shared.n_asleep.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Waits by spinning first, then by yielding.
#[derive(Default)]
struct Wait {
    n: usize,
}

impl Wait {
    /// Waits a little. Returns false when it is time to sleep.
    fn pause(&mut self) -> bool {
        self.n += 1;
        if self.n <= SPINS {
            hint::spin_loop();
        } else {
            thread::yield_now();
        }
        self.n <= SPINS + YIELDS
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Regions one after another, some so late that the helpers have gone to sleep: every thread
    /// works once in each, on what the caller's stack holds. Small enough for Miri.
    #[test]
    fn every_thread_works_once_in_each_region() {
        let team = Team::new(2).unwrap();
        for round in 0..3 {
            let calls = [const { AtomicU64::new(0) }; 3];
            team.run(&|thread| {
                calls[thread].fetch_add(round + 1, Ordering::Relaxed);
            });
            assert!(calls.iter().all(|n| n.load(Ordering::Relaxed) == round + 1));
            for _ in 0..2 * (SPINS + YIELDS) {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn a_panic_of_any_thread_reaches_the_caller() {
        for panicking in 0..2 {
            let team = Team::new(1).unwrap();
            let run = || team.run(&|thread| assert!(thread != panicking));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        }
    }
}
