//! Threads that wait for work by spinning: a decode step has some 150 parallel regions of a few
//! microseconds to a millisecond each, and waking a sleeping thread takes longer than the short ones.
//!
//! A region costs two atomic operations per thread; nothing is allocated, locked or asked of the
//! system. Threads that have had nothing to do for a while sleep until the next region. No library
//! offered that with a safe interface and without a C++ compiler, so the one thing that the language
//! cannot check – that a borrowed closure outlives the region – is argued here, and only here.

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

/// Looks at an atomic before the processor is offered to others: some 50 µs.
const SPINS: usize = 1 << 11;
/// Offers before a thread sleeps.
const YIELDS: usize = 1 << 8;

/// On a cache line of its own, and on the one that is fetched with it.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Alone<T>(T);

type Job<'a> = dyn Fn(usize) + Sync + 'a;

#[derive(Default)]
struct Shared {
    /// Counts regions; a change starts one.
    region: Alone<AtomicUsize>,
    /// Threads that have not finished the region.
    pending: Alone<AtomicUsize>,
    /// What the region runs; written by the leader between regions only.
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

/// A caller's thread and others that help it.
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
    /// A team of the caller and `n_helpers` threads.
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
            // One that fails ends the others: `team` is dropped.
            team.helpers
                .push(helper.spawn(move || help(&shared, index))?);
        }
        Ok(team)
    }

    /// Calls `job` with 0 here and with 1, 2, … on the helpers, and returns when all are done.
    ///
    /// # Panics
    /// A call of `job` panicked.
    pub(super) fn run(&self, job: &Job) {
        let shared = &*self.shared;
        // Sessions of one engine may run on several threads; their regions take turns.
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
            // A panic was reported by the region that it happened in.
            let _ = helper.join();
        }
    }
}

/// A region from its start to its end, whichever way the caller leaves it.
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
        // A helper that goes to sleep counts itself, then looks at `region` once more; here it is
        // the other way round. One of the two sees the other.
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

/// What a helper does all its life.
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

/// Waits for a region other than `seen`.
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

/// Waiting that becomes more polite the longer it takes.
#[derive(Default)]
struct Wait {
    n: usize,
}

impl Wait {
    /// Waits a little. False when that has been done for long.
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
