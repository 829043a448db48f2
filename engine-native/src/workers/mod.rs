//! Threads that share work. The parts are fixed beforehand, and no reduction is split between
//! parts, so results do not depend on the number of threads.

mod float_environment;
mod scratch;
mod shares;
mod team;

use std::sync::{Mutex, MutexGuard};

pub(crate) use scratch::{Scratch, ScratchSize};
pub(crate) use shares::Shares;

use crate::error::RunError;
use team::Team;

/// The threads of an engine.
#[derive(Debug)]
pub(crate) struct Workers {
    /// `None` with one thread, the caller's.
    team: Option<Team>,
    n_threads: usize,
    min_part_work: usize,
}

/// Default for the least work of a part: it takes a few microseconds, while a parallel region costs
/// about one.
pub(crate) const MIN_PART_WORK: usize = 1 << 18;

/// The most parts of a region. More threads than that stay idle.
pub(crate) const MAX_PARTS: usize = 64;
/// A part for another thread has at least this fraction of the work that a thread is woken for.
const SMALLEST_TAKEN: usize = 2;

impl Workers {
    pub(crate) fn new(n_threads: usize, min_part_work: usize) -> Result<Self, RunError> {
        let start = || {
            Team::new(n_threads - 1).map_err(|e| RunError::Threads {
                n_threads,
                reason: e.to_string(),
            })
        };
        let team = (n_threads > 1).then(start).transpose()?;
        let workers = Self {
            team,
            n_threads,
            min_part_work,
        };
        let found = Mutex::new(Ok(()));
        workers.on_each(&|_| {
            if let (Err(e), Ok(mut found)) = (float_environment::check(), found.lock()) {
                *found = Err(e);
            }
        });
        found.into_inner().unwrap_or_else(|e| e.into_inner())?;
        Ok(workers)
    }

    pub(crate) fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Calls `job` once on every thread, with its index, and returns when all have returned.
    pub(crate) fn on_each(&self, job: &(dyn Fn(usize) + Sync)) {
        match &self.team {
            Some(team) => team.run(job),
            None => job(0),
        }
    }

    /// Scratch for each thread, for work that needs only a ledger.
    pub(crate) fn ledgers(&self) -> Vec<Scratch> {
        (0..self.n_threads)
            .map(|_| Scratch::new(ScratchSize::default()))
            .collect()
    }

    /// Number of items in a part, when `n` items of `work` multiply-accumulates each are divided
    /// among as many threads as there is work for. A multiple of `unit`.
    pub(crate) fn part_len(&self, n: usize, work: usize, unit: usize) -> usize {
        let n_parts = self.n_parts(n.saturating_mul(work));
        n.div_ceil(n_parts).next_multiple_of(unit)
    }

    /// Divides `work` multiply-accumulates among as many threads as there is work for.
    pub(crate) fn shares(&self, work: usize) -> Shares {
        let min_work = self.min_part_work / SMALLEST_TAKEN;
        Shares::new(work, self.n_parts(work), MAX_PARTS, min_work)
    }

    /// Number of parts that `work` multiply-accumulates are worth, at least one.
    pub(crate) fn n_parts(&self, work: usize) -> usize {
        (work / self.min_part_work).clamp(1, self.n_threads.min(MAX_PARTS))
    }

    /// Runs `job` on each part, with the scratch of the thread that takes it; at most [`MAX_PARTS`]
    /// parts. Each thread takes its own share of the parts in order, so that it reads memory
    /// sequentially, and then steals parts that other threads have not started, from the end.
    ///
    /// # Errors
    /// The error of the first part that failed, in the order of the parts.
    pub(crate) fn run<P: Send>(
        &self,
        parts: impl ExactSizeIterator<Item = P> + Send,
        scratch: &mut [Scratch],
        job: impl Fn(P, &mut Scratch) -> Result<(), RunError> + Sync,
    ) -> Result<(), RunError> {
        let team = match &self.team {
            Some(team) if parts.len() > 1 => team,
            _ => {
                let mut parts = parts;
                return parts.try_for_each(|part| job(part, &mut scratch[0]));
            }
        };
        let slots = [const { Mutex::new(Slot::Taken) }; MAX_PARTS];
        let slots = &slots[..parts.len()];
        for (slot, part) in slots.iter().zip(parts) {
            *lock(slot) = Slot::Part(part);
        }
        let n_threads = self.n_threads.min(slots.len());
        // Each is locked only by the thread with its index, so no lock is ever contended.
        let scratch: [_; MAX_PARTS] = {
            let mut scratch = scratch.iter_mut();
            std::array::from_fn(|_| Mutex::new(scratch.next()))
        };
        team.run(&|index| {
            let Some(mut scratch) = scratch.get(index).map(lock) else {
                return;
            };
            let Some(scratch) = scratch.as_deref_mut().filter(|_| index < n_threads) else {
                return;
            };
            for i in in_turn(index, n_threads, slots.len()) {
                if let Some(part) = take(&slots[i]) {
                    let result = job(part, scratch);
                    *lock(&slots[i]) = Slot::Done(result);
                }
            }
        });
        let results = slots
            .iter()
            .map(|slot| match std::mem::take(&mut *lock(slot)) {
                Slot::Done(result) => result,
                Slot::Part(_) | Slot::Taken => unreachable!("the team has ended, all is done"),
            });
        results.collect()
    }
}

/// The order in which thread `index` looks for parts.
fn in_turn(index: usize, n_threads: usize, n_parts: usize) -> impl Iterator<Item = usize> {
    let share =
        move |thread: usize| n_parts * thread / n_threads..n_parts * (thread + 1) / n_threads;
    let others = (1..n_threads).flat_map(move |k| share((index + k) % n_threads).rev());
    share(index).chain(others)
}

/// A part on its way to a thread, or its result on the way back.
#[derive(Default)]
enum Slot<T> {
    Part(T),
    #[default]
    Taken,
    Done(Result<(), RunError>),
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(|e| e.into_inner())
}

/// Takes the part in `slot`, if no thread has taken it yet.
fn take<T>(slot: &Mutex<Slot<T>>) -> Option<T> {
    let mut slot = lock(slot);
    match std::mem::take(&mut *slot) {
        Slot::Part(part) => Some(part),
        other => {
            *slot = other;
            None
        }
    }
}
