//! The memory that control groups leave to this process, with or without a namespace of their own.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Bytes that the groups of this process may still use, in the system at `root`. `None` if no group
/// has a limit.
pub(super) fn available(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut own = Vec::new();
    for line in groups.lines() {
        // A number, the controllers of version 1 (none for version 2), the path.
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        if controllers.is_empty() {
            own.extend([
                (&V2, "sys/fs/cgroup", path),
                (&V2, "sys/fs/cgroup/unified", path),
            ]);
        } else if controllers.split(',').any(|name| name == "memory") {
            own.push((&V1, "sys/fs/cgroup/memory", path));
        }
    }
    if own.is_empty() {
        own = vec![
            (&V2, "sys/fs/cgroup", "/"),
            (&V1, "sys/fs/cgroup/memory", "/"),
        ];
    }
    own.into_iter()
        .filter_map(|(version, mount, path)| version.available(&root.join(mount), path))
        .min()
}

/// How a version names its files.
struct Version {
    limit: &'static str,
    usage: &'static str,
    /// Lines of `memory.stat`: files in memory, which the system drops where it has to.
    files: [&'static str; 2],
}

const V2: Version = Version {
    limit: "memory.max",
    usage: "memory.current",
    files: ["active_file", "inactive_file"],
};

const V1: Version = Version {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    files: ["total_active_file", "total_inactive_file"],
};

impl Version {
    /// The least that the group at `path` and those above it leave.
    fn available(&self, mount: &Path, path: &str) -> Option<u64> {
        // Seen from a container, the path may be one of the host: what is not here is left out, and
        // the group of the container lies at the mount.
        let parts = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != "..");
        let mut folder = PathBuf::from(mount);
        let mut least = self.of_group(&folder);
        for part in parts {
            folder.push(part);
            least = least.into_iter().chain(self.of_group(&folder)).min();
        }
        least
    }

    fn of_group(&self, folder: &Path) -> Option<u64> {
        let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
        // "max" is no limit.
        let limit = number(self.limit)?;
        let usage = number(self.usage).unwrap_or(0);
        let stat = text("memory.stat").unwrap_or_default();
        let files = stat.lines().filter_map(|line| {
            let (name, bytes) = line.split_once(' ')?;
            let bytes = bytes.trim().parse::<u64>().ok()?;
            self.files.contains(&name).then_some(bytes)
        });
        let files = files.fold(0, u64::saturating_add);
        Some(limit.saturating_sub(usage.saturating_sub(files)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files laid out as systems lay them out.
    fn of(system: &str) -> Option<u64> {
        let systems = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cgroup");
        let root = systems.join(system);
        assert!(root.is_dir());
        available(&root)
    }

    #[test]
    fn the_smallest_limit_on_the_way_up_counts() {
        // 512 MiB for the slice, of which 100 MiB are used besides files; none for the scope.
        assert_eq!(of("v2_slice"), Some((512 - 100) << 20));
        // The scope has 64 MiB, of which 1 MiB is used.
        assert_eq!(of("v2_scope"), Some(63 << 20));
        assert_eq!(of("v1"), Some((256 - 30) << 20));
    }

    #[test]
    fn a_container_without_a_namespace_has_its_group_at_the_mount() {
        assert_eq!(of("v2_container"), Some((300 - 20) << 20));
    }

    #[test]
    fn no_limit_is_none() {
        assert_eq!(of("v2_unlimited"), None);
        assert_eq!(available(Path::new("/absent")), None);
    }
}
