//! The read bandwidth of this machine, which bounds a decode step. Measured with the same threads
//! and on the same kind of pages.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    engine::Engine,
    error::RunError,
    huge_pages::{FROM_MEMORY_BYTES, HugePages},
    kernels::Kernels,
    workers::{Scratch, Workers},
};

/// Parts start at whole pages.
const PAGE: usize = 4096;

/// A buffer for measuring bandwidth, in huge pages if the system grants them.
#[derive(Debug)]
pub struct ReadBuffer(HugePages);

impl ReadBuffer {
    /// Allocates `n_bytes` bytes and writes them once: untouched pages would all map to one page of
    /// zeros.
    pub fn new(n_bytes: usize) -> Self {
        let mut pages = HugePages::zeroed(n_bytes);
        pages.as_mut_slice().fill(1);
        Self(pages)
    }

    /// The buffer, to be filled with other content.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }

    /// The buffer.
    pub fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Threads that read a buffer together. They are started once and reused.
pub struct Readers {
    kernels: Arc<dyn Kernels>,
    workers: Workers,
    scratch: Vec<Scratch>,
}

impl Readers {
    /// Starts threads that read with `kernels`. With 1 thread only the caller's runs.
    ///
    /// # Errors
    /// The threads cannot be started, or the floating-point environment is not the one that the
    /// contract requires.
    ///
    /// # Panics
    /// `n_threads` is 0.
    pub fn new(kernels: Arc<dyn Kernels>, n_threads: usize) -> Result<Self, RunError> {
        assert!(n_threads > 0, "reading needs a thread");
        let workers = Workers::new(n_threads, 1)?;
        Ok(Self {
            scratch: workers.ledgers(),
            kernels,
            workers,
        })
    }

    /// Reads all of `buffer` once, in equal parts, and returns the time.
    ///
    /// # Errors
    /// Currently none.
    pub fn read(&mut self, buffer: &ReadBuffer) -> Result<Duration, RunError> {
        let bytes = buffer.0.as_slice();
        read(&*self.kernels, &self.workers, &mut self.scratch, bytes)
    }
}

fn read(
    kernels: &dyn Kernels,
    workers: &Workers,
    scratch: &mut [Scratch],
    bytes: &[u8],
) -> Result<Duration, RunError> {
    let part_len = workers.part_len(bytes.len(), usize::MAX, PAGE);
    let start = Instant::now();
    workers.run(bytes.chunks(part_len), scratch, |bytes, _| {
        black_box(kernels.read(bytes));
        Ok(())
    })?;
    Ok(start.elapsed())
}

impl Engine {
    /// The bandwidth, in bytes per second, with which this engine's threads read its weights: the
    /// median of as many passes as fit into `budget`, at least three. `None` if the weights are so
    /// small that they may stay in a cache.
    ///
    /// # Errors
    /// Currently none.
    pub fn read_bandwidth(&self, budget: Duration) -> Result<Option<f64>, RunError> {
        // The copy that decoding reads; without one, the file.
        let bytes = match (self.decode_weights.as_bytes(), self.panels.codes()) {
            ([], []) => self.model.file_bytes(),
            ([], codes) => codes,
            (arranged, _) => arranged,
        };
        if bytes.len() < FROM_MEMORY_BYTES {
            return Ok(None);
        }
        let mut scratch = self.workers.ledgers();
        let mut times = Vec::new();
        let start = Instant::now();
        while times.len() < 3 || start.elapsed() < budget {
            times.push(read(&*self.kernels, &self.workers, &mut scratch, bytes)?);
        }
        times.sort();
        let median = times[times.len() / 2];
        Ok(Some(bytes.len() as f64 / median.as_secs_f64()))
    }
}
