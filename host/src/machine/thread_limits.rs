//! The limits that can keep a process from starting a thread, to be named when one could not be.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The limits that are set for this process, each with its value; empty where the system does not
/// tell.
pub fn thread_limits() -> Vec<String> {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let limits = read(Path::new("/proc/self/limits"));
    let cgroup = pids_max(&read(Path::new("/proc/self/cgroup")), &read);
    let of_user = soft(&limits, "Max processes");
    let of_space = soft(&limits, "Max address space");
    [
        of_user.map(|n| format!("ulimit -u is {n} (processes and threads of this user)")),
        of_space.map(|n| format!("ulimit -v is {} KiB (address space)", n / 1024)),
        cgroup.map(|n| format!("pids.max of the cgroup is {n}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A soft limit in the text of `/proc/self/limits`; `None` if there is none.
fn soft(limits: &str, name: &str) -> Option<u64> {
    let values = limits.lines().find_map(|line| line.strip_prefix(name))?;
    values.split_whitespace().next()?.parse().ok()
}

/// The smallest `pids.max` of the cgroups that `cgroups`, the text of `/proc/self/cgroup`, names and
/// of those that they are in.
fn pids_max(cgroups: &str, read: &dyn Fn(&Path) -> String) -> Option<u64> {
    let folders = cgroups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next()?, fields.next()?);
        let root = match controllers {
            "" => Path::new("/sys/fs/cgroup"),
            "pids" => Path::new("/sys/fs/cgroup/pids"),
            _ => return None,
        };
        Some((root, root.join(group.trim_start_matches('/'))))
    });
    let groups = folders.flat_map(|(root, folder)| {
        let up = folder.ancestors().take_while(|f| f.starts_with(root));
        up.map(Path::to_owned).collect::<Vec<PathBuf>>()
    });
    let limits = groups.filter_map(|group| read(&group.join("pids.max")).trim().parse().ok());
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limits_are_found_by_their_names() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             12                   95123                processes \n\
                    Max address space         unlimited            unlimited            bytes     \n";
        assert_eq!(soft(text, "Max processes"), Some(12));
        assert_eq!(soft(text, "Max address space"), None);
        assert_eq!(soft("", "Max processes"), None);
    }

    #[test]
    fn the_smallest_limit_of_a_cgroup_and_its_parents_counts() {
        let of_folder = |path: &Path| match path.to_str() {
            Some("/sys/fs/cgroup/a/b/pids.max") => "max\n".to_owned(),
            Some("/sys/fs/cgroup/a/pids.max") => "30\n".to_owned(),
            Some("/sys/fs/cgroup/pids/c/pids.max") => "40\n".to_owned(),
            _ => String::new(),
        };
        assert_eq!(pids_max("0::/a/b\n", &of_folder), Some(30));
        assert_eq!(pids_max("5:pids:/c\n4:cpu:/a\n", &of_folder), Some(40));
        assert_eq!(pids_max("0::/\nnonsense\n", &of_folder), None);
    }
}
