//! Signs of noise in what the system says.

use super::sign::Sign;
use crate::receipt::{Receipt, RepetitionEvidence, SystemState};

pub(super) const SIGNS: &[Sign] = &[
    (
        "unoptimised",
        "build with the dev profile of this project, or with --release",
        unoptimised,
    ),
    ("load", "stop other programs", load),
    (
        "steal",
        "the host is shared; take a dedicated one, or run at another time",
        steal,
    ),
    (
        "preempted",
        "other work had the cores; stop it, or use fewer threads",
        preempted,
    ),
    (
        "throttled",
        "cool the machine, or lower its power",
        throttled,
    ),
    (
        "frequency",
        "let the machine rest, and fix the frequency",
        frequency,
    ),
    ("governor", "set the governor to \"performance\"", governor),
    ("swap", "free memory, or use a smaller model", swap),
    (
        "faults",
        "free memory: pages were read from a disk while the clock ran",
        faults,
    ),
];

fn unoptimised(r: &Receipt) -> Option<String> {
    let level = &r.evidence.as_ref()?.engine_opt_level[..];
    (!matches!(level, "2" | "3" | "unknown"))
        .then(|| format!("the engine is built at level {level:.8}"))
}

fn before_and_after(r: &Receipt) -> Option<(&SystemState, &SystemState)> {
    let evidence = r.evidence.as_ref()?;
    Some((&evidence.before, &evidence.after))
}

/// The growth of a count from before the run to after it.
fn grown(r: &Receipt, of: fn(&SystemState) -> Option<u64>) -> Option<u64> {
    let (before, after) = before_and_after(r)?;
    of(after)?.checked_sub(of(before)?).filter(|&n| n > 0)
}

/// Before the run, when its own threads were not counted yet.
fn load(r: &Receipt) -> Option<String> {
    let load = before_and_after(r)?.0.load_average?;
    // What is left for others beside this run.
    let left = r.host.logical_cores.saturating_sub(r.run.threads);
    (load > left as f64 + 0.7).then(|| {
        format!(
            "the load average was {load:.2} before the run, with {} of {} CPUs for others",
            left, r.host.logical_cores
        )
    })
}

/// Wall time of all timed repetitions in milliseconds.
fn wall_ms(r: &Receipt) -> f64 {
    let witnesses = r.samples.witness.iter().flatten();
    witnesses.map(|w| w.wall_ns as f64 / 1e6).sum()
}

fn steal(r: &Receipt) -> Option<String> {
    let stolen = grown(r, |s| s.steal_ms)? as f64;
    let share = stolen / (wall_ms(r) * r.host.logical_cores.max(1) as f64);
    // One tick of the counter is no finding.
    (share >= 0.01 && stolen >= 20.0).then(|| {
        format!(
            "the hypervisor took {:.0} % of the CPUs' time",
            100.0 * share
        )
    })
}

/// The least CPU time of an undisturbed run, as a share of its threads' wall time. Below it, other work
/// used the cores.
const UNDISTURBED: f64 = 0.9;

/// How often a second the system takes a core away from the threads of a run that has them to itself, at
/// most: it was 2 to 10 times on a quiet machine, and 90 times and more on a busy one.
const UNDISTURBED_SWITCHES: f64 = 20.0;

/// Whether the system took the cores of a run away, as far as it counts that. Threads that wait for work use
/// no core either, so a small share of CPU time says nothing alone.
fn is_taken(cpu_ns: u64, switches: u64, wall_ms: f64, threads: u64) -> bool {
    let share = cpu_share(cpu_ns, wall_ms, threads);
    share < UNDISTURBED && switches as f64 > UNDISTURBED_SWITCHES * wall_ms / 1e3
}

/// CPU time as a share of the threads' wall time.
fn cpu_share(cpu_ns: u64, wall_ms: f64, threads: u64) -> f64 {
    cpu_ns as f64 / 1e6 / (wall_ms * threads.max(1) as f64)
}

/// Whether other work used the cores in every repetition, as far as the system counts CPU time and switches.
pub fn was_always_disturbed(r: &Receipt) -> bool {
    let mut counted = r.samples.witness.iter().flatten().filter_map(|w| {
        let (cpu_ns, switches) = (w.cpu_ns?, w.involuntary_switches?);
        Some(is_taken(
            cpu_ns,
            switches,
            w.wall_ns as f64 / 1e6,
            r.run.threads,
        ))
    });
    counted
        .next()
        .is_some_and(|first| first && counted.all(|taken| taken))
}

fn preempted(r: &Receipt) -> Option<String> {
    let witnesses = || r.samples.witness.iter().flatten();
    let cpu_ns: u64 = witnesses().map(|w| w.cpu_ns).sum::<Option<_>>()?;
    let switches: u64 = witnesses()
        .map(|w| w.involuntary_switches)
        .sum::<Option<_>>()?;
    let wall_ms = wall_ms(r);
    is_taken(cpu_ns, switches, wall_ms, r.run.threads).then(|| {
        let share = cpu_share(cpu_ns, wall_ms, r.run.threads);
        format!(
            "the threads lost a core {switches} times, and had one for {:.0} % of the time",
            100.0 * share
        )
    })
}

fn throttled(r: &Receipt) -> Option<String> {
    let count = grown(r, |s| s.throttle_count)?;
    Some(format!(
        "the CPU was throttled {count} times because of heat"
    ))
}

fn frequency(r: &Receipt) -> Option<String> {
    let (before, after) = before_and_after(r)?;
    let (before, after) = (before.frequency_khz? as f64, after.frequency_khz? as f64);
    (after < 0.9 * before).then(|| {
        format!(
            "the CPUs ran at {:.2} GHz before and at {:.2} GHz after the run",
            before / 1e6,
            after / 1e6
        )
    })
}

fn governor(r: &Receipt) -> Option<String> {
    let governor = r.host.governor.as_deref()?;
    (governor != "performance").then(|| {
        format!(
            "the frequency governor is {}",
            crate::plain::plain(governor, 40)
        )
    })
}

fn swap(r: &Receipt) -> Option<String> {
    let pages = grown(r, |s| s.swapped_pages)?;
    Some(format!("{pages} pages were swapped during the run"))
}

fn faults(r: &Receipt) -> Option<String> {
    let counts = r.evidence.as_ref()?.repetitions.iter();
    let faults = counts.filter_map(|RepetitionEvidence { major_faults, .. }| *major_faults);
    let faults = faults.fold(0, u64::saturating_add);
    (faults > 0).then(|| format!("{faults} page faults read from a disk"))
}
