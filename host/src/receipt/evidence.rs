//! What the system says of a run: evidence for how undisturbed it was.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The system's account of a run. Null stands for what cannot be read on the machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Bytes per second that as many threads read from memory, measured after the timed runs; null if the
    /// weights may lie in a cache.
    pub read_bandwidth: Option<u64>,
    /// Optimisation level of the engine: "0" to "3", "s" or "z".
    pub engine_opt_level: String,
    /// Numbers of the CPUs that the engine's threads may run on.
    pub cpus: Option<Vec<u64>>,
    /// Whether `--pin` bound the threads to these CPUs.
    pub pinned: bool,
    /// Scheduling priority of the process: 20 is normal, 0 the highest, 39 the lowest.
    pub priority: Option<u64>,
    /// Energy of all CPU packages from the first timed repetition to the last, in microjoules.
    pub energy_uj: Option<u64>,
    /// The system before the first timed repetition.
    pub before: SystemState,
    /// The system after the last timed repetition.
    pub after: SystemState,
    /// What the system counted for the threads that compute, `[repetitions]`.
    pub repetitions: Vec<RepetitionEvidence>,
}

/// The whole system at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemState {
    /// Load average over one minute.
    pub load_average: Option<f64>,
    /// Time since the start that the hypervisor gave to others, all CPUs together, in milliseconds.
    pub steal_ms: Option<u64>,
    /// Mean frequency of all CPUs in kilohertz.
    pub frequency_khz: Option<u64>,
    /// Highest temperature of a thermal zone in thousandths of a degree Celsius.
    pub temperature_mc: Option<u64>,
    /// How often cores and packages were throttled because of heat since the start.
    pub throttle_count: Option<u64>,
    /// Pages that were swapped in or out since the start.
    pub swapped_pages: Option<u64>,
}

/// What the system counted for the threads that compute, in one repetition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepetitionEvidence {
    /// How often a thread gave up its core and waited.
    pub voluntary_switches: Option<u64>,
    /// Page faults that needed no reading.
    pub minor_faults: Option<u64>,
    /// Page faults that read from a disk.
    pub major_faults: Option<u64>,
    /// Reads that missed the last cache, by the CPU's counter.
    pub cache_misses: Option<u64>,
}
