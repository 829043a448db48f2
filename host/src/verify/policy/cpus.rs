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
