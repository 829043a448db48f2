//! The machine of a receipt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::version::not_null;

/// The machine, as it describes itself. Verifiers show this, but never rely on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Name of the CPU model, as the CPU reports it.
    pub cpu_model: String,
    /// CPU features that matter to the kernels, sorted. AMX is listed if the CPU has it, even if the
    /// system does not permit its use.
    pub cpu_features: Vec<String>,
    /// Physical cores.
    pub physical_cores: u64,
    /// Logical processors that this process may use.
    pub logical_cores: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Operating system and version.
    pub os: String,
    /// Version of the operating system's kernel.
    pub kernel: String,
    /// CPU frequency governor, if the system reports one.
    pub governor: Option<String>,
    /// The hardware in detail, since schema 1.2.0.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(!default, !skip_serializing_if, with = "Hardware")]
    pub hardware: Option<Hardware>,
}

/// The hardware, as CPUID and the operating system describe it. Null stands for what they do not say:
/// nothing is guessed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Vendor of the CPU, such as "GenuineIntel".
    pub cpu_vendor: Option<String>,
    /// Family of the CPU, with the extended family added.
    pub cpu_family: Option<u64>,
    /// Model of the CPU within its family, with the extended model.
    pub cpu_model_number: Option<u64>,
    /// Stepping of the CPU model.
    pub cpu_stepping: Option<u64>,
    /// Size of the level 1 data cache that one core uses.
    pub l1d_cache_bytes: Option<u64>,
    /// Size of the level 2 cache that one core uses, perhaps with other cores.
    pub l2_cache_bytes: Option<u64>,
    /// Size of the level 3 cache that one core uses with others. A socket can have several.
    pub l3_cache_bytes: Option<u64>,
    /// Name of the hypervisor: "KVM", "Hyper-V", "VMware", "Xen", "QEMU", "bhyve", "QNX", "ACRN",
    /// or its own 12 characters. "unnamed" if it has no name, "none" if CPUID reports none.
    pub hypervisor: Option<String>,
    /// Number of NUMA nodes, which Linux lists.
    pub numa_nodes: Option<u64>,
}
