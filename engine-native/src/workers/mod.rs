//! Threads that share work out in parts fixed beforehand, whoever takes them. No reduction is ever
//! split, so that the results are the same for any number of threads.

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
    /// None for one thread: the caller's.
    team: Option<Team>,
    n_threads: usize,
    min_part_work: usize,
}

/// Starting a region and waiting for its end takes about a microsecond; this much takes a few.
pub(crate) const MIN_PART_WORK: usize = 1 << 18;

/// Parts of a region: threads beyond that stay idle.
pub(crate) const MAX_PARTS: usize = 64;
/// Parts to be taken by another thread are at least this part of what a thread is woken for.
const SMALLEST_TAKEN: usize = 2;

impl Workers {
    pub(crate) fn new(n_threads: usize, min_part_work: usize) -> Result<Self, RunError> {
        float_environment::check()?;
        let start = || {
            Team::new(n_threads - 1).map_err(|e| RunError::Threads {
                n_threads,
                reason: e.to_string(),
            })
        };
        let team = (n_threads > 1).then(start).transpose()?;
        if let Some(team) = &team {
            let found = Mutex::new(Ok(()));
            team.run(&|_| {
                if let (Err(e), Ok(mut found)) = (float_environment::check(), found.lock()) {
                    *found = Err(e);
                }
            });
            found.into_inner().unwrap_or_else(|e| e.into_inner())?;
        }
        Ok(Self {
            team,
            n_threads,
            min_part_work,
        })
    }

    pub(crate) fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// For each thread, scratch for work that needs a ledger alone.
    pub(crate) fn ledgers(&self) -> Vec<Scratch> {
        (0..self.n_threads)
            .map(|_| Scratch::new(ScratchSize::default()))
            .collect()
    }

    /// Items of a part when `n` items of `work` multiply-accumulates each are shared out in
    /// multiples of `unit`, to as many threads as there is work for.
    pub(crate) fn part_len(&self, n: usize, work: usize, unit: usize) -> usize {
        let n_parts = self.n_parts(n.saturating_mul(work));
        n.div_ceil(n_parts).next_multiple_of(unit)
    }

    /// `work` multiply-accumulates, shared out to as many threads as they are enough for.
    pub(crate) fn shares(&self, work: usize) -> Shares {
        let min_work = self.min_part_work / SMALLEST_TAKEN;
        Shares::new(work, self.n_parts(work), MAX_PARTS, min_work)
    }

    /// As many parts as `work` multiply-accumulates are worth, at least one.
    pub(crate) fn n_parts(&self, work: usize) -> usize {
        (work / self.min_part_work).clamp(1, self.n_threads.min(MAX_PARTS))
    }

    /// Runs `job` on each part, at most [`MAX_PARTS`], with the scratch of the thread that takes it.
    /// Each thread takes its share of the parts, first to last, then what others have not come to,
    /// last to first: what is its own follows one another in memory.
    ///
    /// # Errors
    /// That of the first part that failed, whichever finished first.
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
        // Each is taken by the one thread that has its number, so none is ever waited for.
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

/// The parts that thread `index` looks for, in its order.
fn in_turn(index: usize, n_threads: usize, n_parts: usize) -> impl Iterator<Item = usize> {
    let share =
        move |thread: usize| n_parts * thread / n_threads..n_parts * (thread + 1) / n_threads;
    let others = (1..n_threads).flat_map(move |k| share((index + k) % n_threads).rev());
    share(index).chain(others)
}

/// A part on its way to a thread, and the result on its way back.
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

/// The part in `slot`, if nobody has taken it yet.
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
