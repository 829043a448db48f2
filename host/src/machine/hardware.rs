//! The hardware of this machine. What cannot be read is not known, and is never guessed.

use std::{fs, path::Path};

#[cfg(target_arch = "x86_64")]
use super::cpuid;
use crate::receipt::Hardware;

impl Hardware {
    /// Describes this machine.
    pub fn current() -> Self {
        Self {
            numa_nodes: numa_nodes(Path::new("/sys/devices/system/node")),
            ..of_cpu()
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn of_cpu() -> Hardware {
    cpuid::hardware()
}

#[cfg(not(target_arch = "x86_64"))]
fn of_cpu() -> Hardware {
    Hardware::default()
}

/// The CPU features that matter to the kernels, sorted.
#[cfg(target_arch = "x86_64")]
pub(super) fn cpu_features() -> Vec<String> {
    cpuid::features()
}

/// No kernel needs a feature of another CPU.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn cpu_features() -> Vec<String> {
    Vec::new()
}

/// The number of NUMA nodes: folders named `node0`, `node1` and so on, which Linux has.
fn numa_nodes(folder: &Path) -> Option<u64> {
    let entries = fs::read_dir(folder).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let nodes = names.filter(|name| {
        name.strip_prefix("node")
            .is_some_and(|number| number.parse::<u32>().is_ok())
    });
    Some(nodes.count() as u64).filter(|&n| n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_where_the_system_lists_them() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(numa_nodes(folder.path()), None);
        for name in ["node0", "node1", "node10", "node", "nodes", "has_cpu"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        assert_eq!(numa_nodes(folder.path()), Some(3));
        assert_eq!(numa_nodes(&folder.path().join("absent")), None);
    }

    #[test]
    fn this_machine_is_plausible() {
        let found = Hardware::current();
        let caches = [
            found.l1d_cache_bytes,
            found.l2_cache_bytes,
            found.l3_cache_bytes,
        ];
        let known: Vec<u64> = caches.into_iter().flatten().collect();
        let plausible = (1 << 10)..=(16 << 30);
        assert!(known.iter().all(|n| plausible.contains(n)), "{found:?}");
        assert!(known.is_sorted(), "{found:?}");
        if cfg!(target_arch = "x86_64") {
            // Every CPU of this kind says these.
            assert!(found.cpu_vendor.is_some(), "{found:?}");
            assert!(found.cpu_family.is_some_and(|n| n > 0), "{found:?}");
            assert!(found.hypervisor.is_some(), "{found:?}");
        } else {
            let numa_nodes = found.numa_nodes;
            let unknown = Hardware {
                numa_nodes,
                ..Hardware::default()
            };
            assert_eq!(found, unknown);
        }
    }
}
