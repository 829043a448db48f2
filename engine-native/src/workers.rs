//! Threads with a fixed partition of the work. No reduction is ever split, so that the results are
//! the same for any number of threads.

use rayon::ThreadPool;

use crate::{error::RunError, float_environment, ledger::Ledger};

/// The threads of an engine.
#[derive(Debug)]
pub(crate) struct Workers {
    /// None for one thread: the caller's.
    pool: Option<ThreadPool>,
    n_threads: usize,
    min_part_work: usize,
}

/// Handing work to another thread and waiting for it costs tens of microseconds; this much takes
/// about as long with the fastest kernels.
pub(crate) const MIN_PART_WORK: usize = 1 << 21;

/// What one thread keeps to itself.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub ledger: Ledger,
    /// Attention scores of one head, `[n_positions]`.
    pub scores: Vec<f32>,
}

impl Scratch {
    pub(crate) fn new(n_positions: usize) -> Self {
        Self {
            ledger: Ledger::default(),
            scores: vec![0.0; n_positions],
        }
    }
}

impl Workers {
    pub(crate) fn new(n_threads: usize, min_part_work: usize) -> Result<Self, RunError> {
        float_environment::check()?;
        let start = || {
            rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .thread_name(|i| format!("engine-{i}"))
                .build()
                .map_err(|e| RunError::Threads {
                    n_threads,
                    reason: e.to_string(),
                })
        };
        let pool = (n_threads > 1).then(start).transpose()?;
        if let Some(pool) = &pool {
            let checks = pool.broadcast(|_| float_environment::check());
            checks.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(Self {
            pool,
            n_threads,
            min_part_work,
        })
    }

    pub(crate) fn n_threads(&self) -> usize {
        self.n_threads
    }

    pub(crate) fn scratch(&self, n_positions: usize) -> Vec<Scratch> {
        (0..self.n_threads)
            .map(|_| Scratch::new(n_positions))
            .collect()
    }

    /// Items of a part when `n` items of `work` multiply-accumulates each are shared out in
    /// multiples of `unit`, to as many threads as there is work for.
    pub(crate) fn part_len(&self, n: usize, work: usize, unit: usize) -> usize {
        let worth_a_thread = n.saturating_mul(work) / self.min_part_work;
        let n_parts = worth_a_thread.clamp(1, self.n_threads);
        n.div_ceil(n_parts).next_multiple_of(unit)
    }

    /// Runs `job` on each part, each on a thread of its own with a scratch of its own. At most as
    /// many parts as threads.
    ///
    /// # Errors
    /// That of the first part that failed, whichever finished first.
    pub(crate) fn run<P: Send>(
        &self,
        parts: impl ExactSizeIterator<Item = P> + Send,
        scratch: &mut [Scratch],
        job: impl Fn(P, &mut Scratch) -> Result<(), RunError> + Sync,
    ) -> Result<(), RunError> {
        let pool = match &self.pool {
            Some(pool) if parts.len() > 1 => pool,
            _ => {
                let mut parts = parts;
                return parts.try_for_each(|part| job(part, &mut scratch[0]));
            }
        };
        let mut results: Vec<_> = (0..parts.len()).map(|_| Ok(())).collect();
        pool.scope(|scope| {
            for ((part, scratch), result) in parts.zip(scratch).zip(&mut results) {
                let job = &job;
                scope.spawn(move |_| *result = job(part, scratch));
            }
        });
        results.into_iter().collect()
    }
}
