//! The machine and the build that a receipt's figures come from.

use std::{fs::File, io, num::NonZeroUsize};

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::hardware::cpu_features;
use crate::{
    digest::Digest,
    receipt::{Build, Hardware, Machine},
};

impl Build {
    /// The build of this program.
    pub fn current() -> Self {
        Self {
            git_commit: env!("BITRECEIPT_GIT_COMMIT").into(),
            git_dirty: env!("BITRECEIPT_GIT_DIRTY").into(),
            rustc: env!("BITRECEIPT_RUSTC").into(),
            profile: env!("BITRECEIPT_PROFILE").into(),
            target: env!("BITRECEIPT_TARGET").into(),
            target_features: env!("BITRECEIPT_TARGET_FEATURES").into(),
        }
    }
}

/// SHA-256 of the running executable.
///
/// # Errors
/// It cannot be read.
pub fn running_binary() -> io::Result<Digest> {
    // On Linux, the file that is running, even if its path has been replaced meanwhile.
    let path = match cfg!(target_os = "linux") {
        true => "/proc/self/exe".into(),
        false => std::env::current_exe()?,
    };
    Digest::of_reader(File::open(path)?)
}

impl Machine {
    /// A description of this machine.
    pub fn current() -> Self {
        let refresh = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(refresh).ok();
        let cpu = system.as_ref().and_then(|s| s.cpus().first());
        let brand = cpu.map(|cpu| cpu.brand().trim().to_owned());
        let known = |text: Option<String>| text.filter(|t| !t.is_empty());
        let or_unknown = |text| known(text).unwrap_or_else(|| "unknown".into());
        Self {
            cpu_model: or_unknown(brand),
            cpu_features: cpu_features(),
            physical_cores: physical_cores() as u64,
            logical_cores: logical_cores() as u64,
            memory_bytes: system.as_ref().map_or(0, System::total_memory),
            os: or_unknown(System::long_os_version().ok()),
            kernel: or_unknown(System::kernel_version().ok()),
            governor: governor(),
            hardware: Some(Hardware::current()),
        }
    }
}

/// The number of logical processors that this process may use.
pub fn logical_cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// The number of physical cores that this process may use.
pub fn physical_cores() -> usize {
    System::physical_core_count()
        .unwrap_or(1)
        .clamp(1, logical_cores())
}

/// The default number of threads: one per physical core.
pub fn default_threads() -> NonZeroUsize {
    NonZeroUsize::new(physical_cores()).unwrap_or(NonZeroUsize::MIN)
}

fn governor() -> Option<String> {
    let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}
