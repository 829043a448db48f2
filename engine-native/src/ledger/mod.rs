//! The ledger: which kernels ran for which operation, how often, and how much they computed.
//!
//! A kernel records itself when it has finished, with the work that follows from its arguments.
//! Entries come from nowhere else, so a ledger cannot list a kernel that did not run.
//!
//! A ledger can also take times, for a profile: the time of an operation runs from the request for
//! its recorder to the record of the kernel, and never includes waiting for other threads. Without
//! that, no clock is read.

mod names;
mod op;
mod trace;

use std::time::{Duration, Instant};

pub use names::{Isa, KernelChoice, KernelName};
pub use op::Op;
pub use trace::{Choice, PositionTrace, little_endian};

/// How much a kernel did for an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls.
    pub calls: u64,
    /// Multiply-accumulates. Element-wise kernels count one per element.
    pub macs: u64,
}

const N_KERNELS: usize = KernelName::ALL.len() * Isa::ALL.len();

/// The counts of one operation, for each kernel. A kernel that is run gets it and records itself.
#[derive(Debug, Clone)]
pub struct Recorder {
    tallies: [Tally; N_KERNELS],
    /// Start of the interval that the next record ends; `None` in a ledger without times.
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
    /// Adds one call of the kernel `name` of `isa` that computed `macs` multiply-accumulates.
    #[inline]
    pub fn record(&mut self, name: KernelName, isa: Isa, macs: usize) {
        let tally = &mut self.tallies[name as usize * Isa::ALL.len() + isa as usize];
        tally.calls += 1;
        tally.macs += macs as u64;
        if let Some(since) = self.since {
            // One recorder may serve several consecutive calls.
            let now = Instant::now();
            self.time += now - since;
            self.since = Some(now);
        }
    }
}

/// How much was done for an operation, by all kernels together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpTotal {
    /// Calls and work.
    pub tally: Tally,
    /// Time; zero in a ledger without times.
    pub time: Duration,
}

/// One line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Kernel id: kernel name and ISA, such as `i2s_gemv_avx2`.
    pub kernel: String,
    /// The operation of the forward pass that it ran for.
    pub op: Op,
    /// How much it did.
    pub tally: Tally,
}

/// Counts of every pair of kernel and operation. The size is fixed, so recording never allocates.
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
    /// The recorder for kernels that run for `op`.
    #[inline]
    pub fn op(&mut self, op: Op) -> &mut Recorder {
        let recorder = &mut self.ops[op as usize];
        if self.is_timed {
            recorder.since = Some(Instant::now());
        }
        recorder
    }

    /// Sets whether times are taken from now on.
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

    /// Adds the counts of `other`, such as those of another thread. Times are not added: a sum over
    /// threads that ran at the same time has no meaning.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.ops.iter_mut().zip(&other.ops) {
            for (a, b) in mine.tallies.iter_mut().zip(&theirs.tallies) {
                a.calls += b.calls;
                a.macs += b.macs;
            }
        }
    }

    /// Resets every count and time to zero.
    pub fn clear(&mut self) {
        for recorder in &mut self.ops {
            *recorder = Recorder::default();
        }
    }

    /// An entry for each pair that ran, in the order of the forward pass, then by kernel id.
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
