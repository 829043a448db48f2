//! The least time of a step: its work at the peak rates of the CPU in the table that does it
//! fastest, on as many cores as the run used and the receipt names.

use std::ops::Range;

use super::{
    ceilings::Ceilings,
    cpus::{Cpu, MIB},
};
use crate::{
    receipt::Receipt,
    verify::rules::work::{Region, Work},
};

/// The most bytes per cycle that a core loads from its first cache: two vectors of 512 bits.
const LOAD_BYTES_PER_CYCLE: f64 = 128.0;

/// The least times of a run's steps.
pub(super) struct Floor<'a> {
    work: Work,
    /// Threads that can have run at the same time: as many as there were, and logical processors.
    threads: u64,
    /// Logical processors of the machine.
    processors: u64,
    sockets: u64,
    ceilings: &'a Ceilings,
}

/// The least time in seconds of a decode step at `position` that `ceilings` accept of the run and the
/// machine in `r`.
///
/// # Errors
/// The receipt's architecture does not exist, or its work overflows.
pub fn least_step_seconds(r: &Receipt, ceilings: &Ceilings, position: u64) -> Result<f64, String> {
    let next = position.checked_add(1);
    let step = next.map(|next| position..next);
    let floor = Floor::of(r, ceilings)?;
    let least = step.and_then(|step| floor.seconds(&step));
    least.ok_or_else(|| "the shape's work overflows".into())
}

/// What a step takes, whatever computes it.
struct Step {
    regions: Vec<Region>,
    macs: f64,
    bytes: f64,
    dependent_adds: f64,
    /// Positions that are fed at once.
    n_positions: f64,
}

impl<'a> Floor<'a> {
    /// The least times of the steps in `r`.
    ///
    /// # Errors
    /// The receipt's architecture does not exist.
    pub(super) fn of(r: &Receipt, ceilings: &'a Ceilings) -> Result<Self, String> {
        // Every socket is a NUMA node, or several. Who names none has one.
        let nodes = r.host.hardware.as_ref().and_then(|h| h.numa_nodes);
        Ok(Self {
            work: Work::of(r)?,
            threads: r.run.threads.min(r.host.logical_cores).max(1),
            processors: r.host.logical_cores.max(1),
            sockets: nodes.unwrap_or(1).clamp(1, ceilings.max_sockets.max(1)),
            ceilings,
        })
    }

    /// The least time in seconds of a step that feeds `positions` and chooses a token. `None` on
    /// overflow.
    pub(super) fn seconds(&self, positions: &Range<u64>) -> Option<f64> {
        let step = self.step(positions)?;
        self.fastest(|cpu| self.on(cpu, &step))
    }

    /// The least time in seconds in which any program reads the ternary weights once, with all processors of
    /// the machine. `None` on overflow.
    pub(super) fn reading_seconds(&self) -> Option<f64> {
        let bytes = self.work.ternary_bytes()?;
        self.fastest(|cpu| {
            let cores = self.processors.min(cpu.cores.saturating_mul(self.sockets));
            self.reading(cpu, cores as f64, bytes)
        })
    }

    /// The least CPU time in seconds of a step, on however many cores: its products alone. `None`
    /// on overflow.
    pub(super) fn cpu_seconds(&self, positions: &Range<u64>) -> Option<f64> {
        let macs = self.work.macs(positions, 1)? as f64;
        self.fastest(|cpu| macs / core_rate(cpu, len(positions)))
    }

    /// The least of `seconds` over all CPUs, less the margin. `None` without a CPU.
    fn fastest(&self, seconds: impl Fn(&Cpu) -> f64) -> Option<f64> {
        let times = self.ceilings.all_cpus().map(seconds);
        Some(times.reduce(f64::min)? / self.ceilings.margin)
    }

    fn step(&self, positions: &Range<u64>) -> Option<Step> {
        let last = positions.end.checked_sub(1)?;
        Some(Step {
            // Those of the last position, which passes all of them in their order.
            regions: self.work.regions(&(last..positions.end))?,
            macs: self.work.macs(positions, 1)? as f64,
            bytes: self.work.bytes(positions.end)?,
            dependent_adds: self.work.dependent_adds(last)? as f64,
            n_positions: len(positions),
        })
    }

    /// Computing and reading can overlap; the sums of a position follow one another.
    fn on(&self, cpu: &Cpu, step: &Step) -> f64 {
        let cores = self.threads.min(cpu.cores.saturating_mul(self.sockets)) as f64;
        let chain = step.dependent_adds * self.ceilings.dependent_add_cycles / (cpu.ghz * 1e9);
        // Positions can be in different regions at the same time, but none in two.
        let rate = core_rate(cpu, step.n_positions);
        let path = self.in_regions(rate, cores, &step.regions) + chain;
        let computing = path.max(step.macs / (cores * rate));
        computing.max(self.reading(cpu, cores, step.bytes))
    }

    /// One position passes the regions in their order. Each is computed by one core, or by all after
    /// a hand-over.
    fn in_regions(&self, rate: f64, cores: f64, regions: &[Region]) -> f64 {
        let one = |Region { macs, times }: &Region| {
            let alone = *macs as f64 / rate;
            let together = alone / cores + self.ceilings.hand_over_ns / 1e9;
            *times as f64 * alone.min(together)
        };
        regions.iter().map(one).sum()
    }

    /// What does not fit into a cache comes from the one behind it, in every step again. Transfers
    /// between different levels can overlap.
    fn reading(&self, cpu: &Cpu, cores: f64, bytes: f64) -> f64 {
        let hertz = cpu.ghz * 1e9;
        let sockets = self.sockets as f64;
        let own = cores * cpu.l2_mib * MIB;
        let shared = (cores * cpu.l3_mib[0]).min(sockets * cpu.l3_mib[1]) * MIB;
        let memory_rate = (cores * cpu.memory_gb[1]).min(sockets * cpu.memory_gb[0]) * 1e9;
        let levels = [
            (bytes, cores * LOAD_BYTES_PER_CYCLE * hertz),
            (bytes - own, cores * cpu.l3_bytes_per_cycle * hertz),
            (bytes - own - shared, memory_rate),
        ];
        let times = levels.map(|(bytes, rate)| bytes.max(0.0) / rate);
        times.into_iter().fold(0.0, f64::max)
    }
}

/// Multiply-accumulates per second of one core, for `n_positions` at once: each can have the rate of
/// vectors, and a tile that is full has its own.
fn core_rate(cpu: &Cpu, n_positions: f64) -> f64 {
    let [vectors, tiles] = cpu.macs_per_cycle;
    (vectors * n_positions).min(tiles.max(vectors)) * cpu.ghz * 1e9
}

fn len(positions: &Range<u64>) -> f64 {
    (positions.end - positions.start) as f64
}
