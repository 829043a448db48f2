//! Which CPUs the threads of this process may run on.

use std::{fmt, io};

/// CPUs that this thread, and the threads that it starts, are bound to until this is dropped.
pub struct Pinned {
    before: system::Set,
    cpus: Vec<u64>,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Pinned({:?})", self.cpus)
    }
}

impl Pinned {
    /// Binds this thread, and the threads that it will start, to as many CPUs as there are threads: to
    /// different cores as long as there are any.
    ///
    /// # Errors
    /// This process may use fewer CPUs, or the system does not bind threads.
    pub fn to(n_threads: usize) -> io::Result<Self> {
        let before = system::get()?;
        let allowed = system::numbers(&before);
        if allowed.len() < n_threads {
            return Err(io::Error::other(format!(
                "found {n_threads} threads, this process may use {} CPUs",
                allowed.len()
            )));
        }
        let cpus = spread(&allowed, n_threads, system::first_sibling);
        system::set(&cpus)?;
        Ok(Self { before, cpus })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Cannot fail: the thread had these CPUs before.
        let _ = system::set(&system::numbers(&self.before));
    }
}

/// The numbers of the CPUs that this thread may run on. `None` where the system does not say.
pub(super) fn allowed_cpus() -> Option<Vec<u64>> {
    system::get().ok().map(|set| system::numbers(&set))
}

/// Takes `n` of `cpus`, and one of each core before a second of any. `core` says which core a CPU is
/// part of.
fn spread(cpus: &[u64], n: usize, core: impl Fn(u64) -> u64) -> Vec<u64> {
    let mut taken: Vec<u64> = Vec::new();
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for &cpu in cpus {
        let core = core(cpu);
        match taken.contains(&core) {
            true => rest.push(cpu),
            false => {
                taken.push(core);
                first.push(cpu);
            }
        }
    }
    first.into_iter().chain(rest).take(n).collect()
}

#[cfg(target_os = "linux")]
mod system {
    use std::{fs, io};

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) type Set = CpuSet;

    pub(super) fn get() -> io::Result<Set> {
        Ok(sched_getaffinity(None)?)
    }

    pub(super) fn set(cpus: &[u64]) -> io::Result<()> {
        let mut set = CpuSet::new();
        cpus.iter().for_each(|&cpu| set.set(cpu as usize));
        Ok(sched_setaffinity(None, &set)?)
    }

    pub(super) fn numbers(set: &Set) -> Vec<u64> {
        let set_ones = (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu));
        set_ones.map(|cpu| cpu as u64).collect()
    }

    /// The lowest number among the CPUs of a core; the CPU's own where the system does not say.
    pub(super) fn first_sibling(cpu: u64) -> u64 {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let text = fs::read_to_string(path).unwrap_or_default();
        let first = text.trim().split([',', '-']).next();
        first.and_then(|first| first.parse().ok()).unwrap_or(cpu)
    }
}

/// Other systems bind threads by other means, or not at all.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    pub(super) type Set = ();

    pub(super) fn get() -> io::Result<Set> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    pub(super) fn set(_: &[u64]) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    pub(super) fn numbers(&(): &Set) -> Vec<u64> {
        Vec::new()
    }

    pub(super) fn first_sibling(cpu: u64) -> u64 {
        cpu
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_has_a_thread_before_any_has_two() {
        // CPUs 0 and 1 are one core, and 2 and 3, and 4 alone.
        let taken = |n| spread(&[0, 1, 2, 3, 4], n, |cpu| cpu / 2 * 2);
        assert_eq!(taken(3), [0, 2, 4]);
        assert_eq!(taken(5), [0, 2, 4, 1, 3]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn threads_are_bound_and_set_free() {
        // A thread of its own: tests share theirs.
        std::thread::spawn(|| {
            let before = allowed_cpus().unwrap();
            let pinned = Pinned::to(1).unwrap();
            let child = std::thread::spawn(|| allowed_cpus().unwrap());
            assert_eq!(child.join().unwrap(), pinned.cpus);
            assert_eq!(allowed_cpus().unwrap(), before[..1]);
            drop(pinned);
            assert_eq!(allowed_cpus().unwrap(), before);
            assert!(Pinned::to(before.len() + 1).is_err());
        })
        .join()
        .unwrap();
    }
}
