//! How far a receipt's times may go beyond the table of CPUs.

use serde::{Deserialize, Serialize};

use super::cpus::{self, Cpu};

/// What no machine does faster. A time that is too short for every CPU in the table cannot have been
/// measured. Nothing here grows with what a receipt claims: cores and sockets count as far as the
/// receipt names them, and at most as many as the CPU has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ceilings {
    /// How many times faster than the table allows a time may be.
    pub margin: f64,
    /// The most sockets of a machine.
    pub max_sockets: u64,
    /// Nanoseconds until one core sees what another one has written.
    pub hand_over_ns: f64,
    /// Cycles of an f32 addition that waits for the one before it.
    pub dependent_add_cycles: f64,
    /// CPUs beyond the program's own table.
    pub cpus: Vec<Cpu>,
}

impl Default for Ceilings {
    /// The shortest hand-over that was measured between two cores takes 10.3 ns (Ryzen 9 7950X,
    /// github.com/nviennot/core-to-core-latency); the shortest chain of additions has 2 cycles for
    /// each (Neoverse V2, Olympus, Apple M4).
    fn default() -> Self {
        Self {
            margin: 1.5,
            max_sockets: 2,
            hand_over_ns: 10.0,
            dependent_add_cycles: 2.0,
            cpus: Vec::new(),
        }
    }
}

impl Ceilings {
    /// The program's own table of CPUs.
    pub fn known_cpus() -> &'static [Cpu] {
        cpus::known()
    }

    /// The CPUs that a time is held against.
    pub(super) fn all_cpus(&self) -> impl Iterator<Item = &Cpu> {
        cpus::known().iter().chain(&self.cpus)
    }

    /// What must be above 0, by the names of the keys.
    pub(super) fn positive(&self) -> [(&'static str, f64); 2] {
        [
            ("ceilings.margin", self.margin),
            ("ceilings.max_sockets", self.max_sockets as f64),
        ]
    }

    /// What must not be negative, by the names of the keys.
    pub(super) fn amounts(&self) -> [(&'static str, f64); 2] {
        [
            ("ceilings.hand_over_ns", self.hand_over_ns),
            ("ceilings.dependent_add_cycles", self.dependent_add_cycles),
        ]
    }
}
