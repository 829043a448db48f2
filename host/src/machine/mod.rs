//! This machine and this build, the available memory, and the settings from the environment.

mod affinity;
mod cgroup;
mod counters;
#[cfg(target_arch = "x86_64")]
mod cpuid;
mod environment;
mod evidence;
mod hardware;
mod limits;
mod memory;
mod provenance;
mod system_state;
mod thread_limits;

pub use affinity::Pinned;
pub use counters::{Counters, Reading};
pub use environment::{Environment, EnvironmentError, Flags};
pub use evidence::Observation;
pub use limits::{Room, is_file_size_limit, limit_behind, stack_limit};
pub use memory::{EngineNeed, MemoryError, MemoryNeed, available_memory, guests_that_fit};
pub use provenance::{default_threads, logical_cores, physical_cores, running_binary};
pub use thread_limits::thread_limits;
