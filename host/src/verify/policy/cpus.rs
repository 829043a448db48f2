//! The fastest CPUs, which bound what a receipt can claim. `cpus.toml` has the table, with a source
//! for every figure.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::files::read_toml;

/// The peak rates and the caches of a CPU. Pairs are for one core and for the socket, or for vectors
/// and for matrix tiles, as named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// Its name.
    pub name: String,
    /// Cores of a socket.
    pub cores: u64,
    /// The highest clock of a core, in GHz.
    pub ghz: f64,
    /// 8-bit multiply-accumulates per cycle and core: with vectors, with matrix tiles.
    pub macs_per_cycle: [f64; 2],
    /// 10⁹ bytes per second from memory: into the socket, into one core.
    pub memory_gb: [f64; 2],
    /// Level 2 cache of a core, in MiB.
    pub l2_mib: f64,
    /// Level 3 cache in MiB: that one core can fill, of the socket.
    pub l3_mib: [f64; 2],
    /// Bytes per cycle that a core loads from the level 3 cache.
    pub l3_bytes_per_cycle: f64,
    /// Where the figures come from.
    pub source: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    cpu: Vec<Cpu>,
}

/// Bytes of a MiB.
pub(super) const MIB: f64 = (1 << 20) as f64;

static KNOWN: LazyLock<Vec<Cpu>> = LazyLock::new(|| {
    let table: Table = read_toml(include_str!("cpus.toml")).expect("the table is valid");
    table.cpu
});

/// The program's own table.
pub(super) fn known() -> &'static [Cpu] {
    &KNOWN
}

impl Cpu {
    /// Whether every figure can be calculated with.
    pub(super) fn is_valid(&self) -> bool {
        let pairs = [self.macs_per_cycle, self.memory_gb, self.l3_mib];
        let mut figures = pairs.into_iter().flatten().chain([
            self.ghz,
            self.l2_mib,
            self.l3_bytes_per_cycle,
            self.cores as f64,
        ]);
        figures.all(|figure| figure.is_finite() && figure > 0.0)
    }
}

impl Cpu {
    /// The roofline of a decode step: the seconds that its multiply-accumulates or its bytes take at
    /// the peak rates, whichever is longer. Bytes come from the caches of level 2 and 3 as far as they
    /// fit. On all cores of a socket, or on one core.
    pub fn roofline_seconds(&self, macs: f64, bytes: f64, on_socket: bool) -> f64 {
        let which = usize::from(!on_socket);
        let cores = if on_socket { self.cores as f64 } else { 1.0 };
        let cached = (cores * self.l2_mib + self.l3_mib[usize::from(on_socket)]) * MIB;
        let computing = macs / (cores * self.macs_per_cycle[0] * self.ghz * 1e9);
        let reading = (bytes - cached).max(0.0) / (self.memory_gb[which] * 1e9);
        let from_cache = bytes / (cores * self.l3_bytes_per_cycle * self.ghz * 1e9);
        computing.max(reading).max(from_cache)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cpu_of_the_table_is_valid_and_has_a_source() {
        assert!(known().len() > 10);
        for cpu in known() {
            assert!(cpu.is_valid(), "{}", cpu.name);
            assert!(cpu.source.len() > 20, "{}", cpu.name);
            assert!(cpu.l3_mib[0] <= cpu.l3_mib[1], "{}", cpu.name);
            assert!(cpu.memory_gb[1] <= cpu.memory_gb[0], "{}", cpu.name);
        }
    }
}
