//! The ledger: which kernel ran for which operation, how often, and how much it computed.
//!
//! Kernels record themselves, at their end, with the work of the arguments they were given. There
//! is no other way to get an entry into a ledger, so nothing can be listed that did not run.
//!
//! A ledger may be timed, for a profile: an operation's time then is from asking for its recorder
//! to the kernel's record. Waiting for other threads is never in between. Otherwise no clock is read.

mod names;
mod op;
mod trace;

use std::time::{Duration, Instant};

pub use names::{Isa, KernelChoice, KernelName};
pub use op::Op;
pub use trace::{Choice, PositionTrace};

/// What one kernel did for one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls.
    pub calls: u64,
    /// Multiply-accumulates; one per element for element-wise kernels.
    pub macs: u64,
}

const N_KERNELS: usize = KernelName::ALL.len() * Isa::ALL.len();

/// The entries of one operation, one for each kernel. Handed to a kernel, which records itself.
#[derive(Debug, Clone)]
pub struct Recorder {
    tallies: [Tally; N_KERNELS],
    /// When what is recorded next began; `None` in a ledger that is not timed.
    since: Option<Instant>,
    time: Duration,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            tallies: [Tally::default(); N_KERNELS],
            since: None,
            time: Duration::ZERO,
        }
    }
}

impl Recorder {
    /// Adds one call of the kernel `name` for `isa`, which computed `macs`.
    #[inline]
    pub fn record(&mut self, name: KernelName, isa: Isa, macs: usize) {
        let tally = &mut self.tallies[name as usize * Isa::ALL.len() + isa as usize];
        tally.calls += 1;
        tally.macs += macs as u64;
        if let Some(since) = self.since {
            // A recorder may be handed to several calls in a row.
            let now = Instant::now();
            self.time += now - since;
            self.since = Some(now);
        }
    }
}

/// What was done for one operation, whichever kernels did it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpTotal {
    /// Calls and work.
    pub tally: Tally,
    /// Time; zero unless the ledger is timed.
    pub time: Duration,
}

/// One line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Kernel id: operation and ISA, such as `i2s_gemv_avx2`.
    pub kernel: String,
    /// The operation of the forward pass that it ran for.
    pub op: Op,
    /// What it did.
    pub tally: Tally,
}

/// Counts of every (kernel, operation) pair. Fixed size: recording never allocates.
#[derive(Debug, Clone)]
pub struct Ledger {
    ops: Box<[Recorder]>,
    is_timed: bool,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            ops: vec![Recorder::default(); Op::ALL.len()].into_boxed_slice(),
            is_timed: false,
        }
    }
}

impl Ledger {
    /// Where kernels that run for `op` record themselves.
    #[inline]
    pub fn op(&mut self, op: Op) -> &mut Recorder {
        let recorder = &mut self.ops[op as usize];
        if self.is_timed {
            recorder.since = Some(Instant::now());
        }
        recorder
    }

    /// Whether times are taken from now on.
    pub fn set_timed(&mut self, is_timed: bool) {
        self.is_timed = is_timed;
        for recorder in &mut self.ops {
            recorder.since = None;
        }
    }

    /// Everything that was recorded for `op`.
    pub fn total(&self, op: Op) -> OpTotal {
        let recorder = &self.ops[op as usize];
        let mut tally = Tally::default();
        for one in &recorder.tallies {
            tally.calls += one.calls;
            tally.macs += one.macs;
        }
        OpTotal {
            tally,
            time: recorder.time,
        }
    }

    /// Adds the counts of `other`, such as another thread's. Times stay: those of threads that ran at
    /// the same time have no sum.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.ops.iter_mut().zip(&other.ops) {
            for (a, b) in mine.tallies.iter_mut().zip(&theirs.tallies) {
                a.calls += b.calls;
                a.macs += b.macs;
            }
        }
    }

    /// Sets every count and time to zero.
    pub fn clear(&mut self) {
        for recorder in &mut self.ops {
            *recorder = Recorder::default();
        }
    }

    /// The pairs that ran, in the order of the forward pass, then by kernel id.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for &op in Op::ALL {
            let first = entries.len();
            for &name in KernelName::ALL {
                for &isa in Isa::ALL {
                    let tally = self.ops[op as usize].tallies
                        [name as usize * Isa::ALL.len() + isa as usize];
                    if tally.calls > 0 {
                        let kernel = format!("{}_{}", name.as_str(), isa.as_str());
                        entries.push(Entry { kernel, op, tally });
                    }
                }
            }
            entries[first..].sort_by(|a, b| a.kernel.cmp(&b.kernel));
        }
        entries
    }
}
