//! The ledger: which kernel ran for which operation, how often, and how much it computed.
//!
//! Kernels record themselves, at their end, with the work of the arguments they were given. There
//! is no other way to get an entry into a ledger, so nothing can be listed that did not run.

use crate::{
    kernels::{Isa, KernelName},
    op::Op,
};

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
pub struct Recorder([Tally; N_KERNELS]);

impl Recorder {
    /// Adds one call of the kernel `name` for `isa`, which computed `macs`.
    #[inline]
    pub fn record(&mut self, name: KernelName, isa: Isa, macs: usize) {
        let tally = &mut self.0[name as usize * Isa::ALL.len() + isa as usize];
        tally.calls += 1;
        tally.macs += macs as u64;
    }
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
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            ops: vec![Recorder([Tally::default(); N_KERNELS]); Op::ALL.len()].into_boxed_slice(),
        }
    }
}

impl Ledger {
    /// Where kernels that run for `op` record themselves.
    #[inline]
    pub fn op(&mut self, op: Op) -> &mut Recorder {
        &mut self.ops[op as usize]
    }

    /// Adds the counts of `other`, such as another thread's.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.ops.iter_mut().zip(&other.ops) {
            for (a, b) in mine.0.iter_mut().zip(&theirs.0) {
                a.calls += b.calls;
                a.macs += b.macs;
            }
        }
    }

    /// Sets every count to zero.
    pub fn clear(&mut self) {
        for recorder in &mut self.ops {
            recorder.0.fill(Tally::default());
        }
    }

    /// The pairs that ran, in the order of the forward pass, then by kernel id.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for &op in Op::ALL {
            let first = entries.len();
            for &name in KernelName::ALL {
                for &isa in Isa::ALL {
                    let tally =
                        self.ops[op as usize].0[name as usize * Isa::ALL.len() + isa as usize];
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
