//! The state of the whole system, from the files of Linux below a root folder. What is not there is not
//! known.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::receipt::SystemState;

/// Milliseconds of a tick in `/proc/stat`: `USER_HZ` is 100 on every architecture that runs this.
const TICK_MS: u64 = 10;

/// Reads the state of the system at `root`, which is `/` but for tests.
pub(super) fn read(root: &Path) -> SystemState {
    SystemState {
        load_average: load_average(root),
        steal_ms: steal_ms(root),
        frequency_khz: frequency_khz(root),
        temperature_mc: temperature_mc(root),
        throttle_count: throttle_count(root),
        swapped_pages: swapped_pages(root),
    }
}

/// The first of the three averages.
fn load_average(root: &Path) -> Option<f64> {
    let text = text(&root.join("proc/loadavg"))?;
    let average: f64 = text.split_whitespace().next()?.parse().ok()?;
    (average.is_finite() && average >= 0.0).then_some(average)
}

/// The eighth number of the line of all CPUs (proc_stat(5)).
fn steal_ms(root: &Path) -> Option<u64> {
    let text = text(&root.join("proc/stat"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: u64 = line.split_whitespace().nth(7)?.parse().ok()?;
    ticks.checked_mul(TICK_MS)
}

fn frequency_khz(root: &Path) -> Option<u64> {
    let files = cpus(root).map(|cpu| cpu.join("cpufreq/scaling_cur_freq"));
    let found: Vec<u64> = files.filter_map(|file| number(&file)).collect();
    found.iter().sum::<u64>().checked_div(found.len() as u64)
}

fn temperature_mc(root: &Path) -> Option<u64> {
    let zones = folders(&root.join("sys/class/thermal"), "thermal_zone");
    zones.filter_map(|zone| number(&zone.join("temp"))).max()
}

/// Every thread of a core shows the counts of the core and of the package, so the largest of each
/// counts.
fn throttle_count(root: &Path) -> Option<u64> {
    let largest = |name: &str| {
        cpus(root)
            .filter_map(|cpu| number(&cpu.join("thermal_throttle").join(name)))
            .max()
    };
    let counts = [
        largest("core_throttle_count"),
        largest("package_throttle_count"),
    ];
    counts.into_iter().flatten().reduce(u64::saturating_add)
}

fn swapped_pages(root: &Path) -> Option<u64> {
    let text = text(&root.join("proc/vmstat"))?;
    let count = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().parse::<u64>().ok()
    };
    count("pswpin ")?.checked_add(count("pswpout ")?)
}

/// The energy counters of all CPU packages (the kernel's powercap interface), in microjoules.
#[derive(Debug)]
pub(super) struct Energy(Vec<Package>);

#[derive(Debug)]
struct Package {
    energy_uj: u64,
    /// The counter starts again at 0 after this.
    largest_uj: u64,
}

impl Energy {
    /// Reads the counters. `None` if there are none, or if they may not be read.
    pub(super) fn read(root: &Path) -> Option<Self> {
        let zones = folders(&root.join("sys/class/powercap"), "intel-rapl:");
        // The zones of packages, without the parts that they count as well.
        let packages = zones.filter(|zone| {
            text(&zone.join("name")).is_some_and(|name| name.starts_with("package-"))
        });
        let mut packages: Vec<PathBuf> = packages.collect();
        packages.sort();
        let read = packages.iter().map(|zone| {
            Some(Package {
                energy_uj: number(&zone.join("energy_uj"))?,
                largest_uj: number(&zone.join("max_energy_range_uj"))?,
            })
        });
        let read = read.collect::<Option<Vec<_>>>()?;
        (!read.is_empty()).then_some(Self(read))
    }

    /// The energy from this reading to the `later` one.
    pub(super) fn until(&self, later: &Self) -> Option<u64> {
        if self.0.len() != later.0.len() {
            return None;
        }
        let pairs = self.0.iter().zip(&later.0);
        let spent = pairs.map(
            |(then, now)| match now.energy_uj.checked_sub(then.energy_uj) {
                Some(spent) => Some(spent),
                None => now
                    .energy_uj
                    .checked_add(then.largest_uj.checked_sub(then.energy_uj)?),
            },
        );
        spent.sum()
    }
}

fn cpus(root: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let all = folders(&root.join("sys/devices/system/cpu"), "cpu");
    all.filter(|cpu| {
        let number = cpu.file_name().and_then(|name| name.to_str());
        number.is_some_and(|name| name[3..].parse::<u32>().is_ok())
    })
}

/// What lies in `folder` and has a name that begins with `prefix`.
fn folders(folder: &Path, prefix: &'static str) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(move |entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(prefix))
    });
    named.map(|entry| entry.path())
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files laid out as systems lay them out.
    fn system(name: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/system")
            .join(name);
        assert!(root.is_dir());
        root
    }

    #[test]
    fn a_machine_without_a_hypervisor() {
        let expected = SystemState {
            load_average: Some(1.27),
            steal_ms: Some(0),
            frequency_khz: Some((3_600_120 + 800_000) / 2),
            temperature_mc: Some(71_000),
            throttle_count: Some(14 + 3),
            swapped_pages: Some(1024 + 4096),
        };
        assert_eq!(read(&system("notebook")), expected);
    }

    #[test]
    fn a_virtual_machine() {
        let expected = SystemState {
            load_average: Some(7.49),
            steal_ms: Some(24_730),
            swapped_pages: Some(0),
            ..SystemState::default()
        };
        assert_eq!(read(&system("virtual_machine")), expected);
        assert!(Energy::read(&system("virtual_machine")).is_none());
    }

    #[test]
    fn nothing_is_known_where_nothing_is() {
        assert_eq!(read(Path::new("/absent")), SystemState::default());
        assert!(Energy::read(Path::new("/absent")).is_none());
    }

    #[test]
    fn energy_is_that_of_the_packages() {
        let then = Energy::read(&system("notebook")).unwrap();
        assert_eq!(then.until(&then), Some(0));
        let [package] = &then.0[..] else {
            panic!("{then:?}");
        };
        assert_eq!(package.energy_uj, 262_143_000_000);
        let at = |energy_uj| {
            Energy(vec![Package {
                energy_uj,
                largest_uj: package.largest_uj,
            }])
        };
        assert_eq!(then.until(&at(262_143_000_500)), Some(500));
        // The counter began again.
        assert_eq!(
            then.until(&at(1000)),
            Some(package.largest_uj - 262_143_000_000 + 1000)
        );
        assert_eq!(then.until(&Energy(Vec::new())), None);
    }
}
