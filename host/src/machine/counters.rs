//! What the system counts for this process while it runs: a second witness beside the clock.

use std::time::Instant;

use crate::receipt::Witness;

/// Counters of this process, of all its threads that begin after they were opened.
#[derive(Debug)]
pub struct Counters {
    instructions: Option<Counter>,
    cycles: Option<Counter>,
}

/// What the counters showed at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    at: Instant,
    cpu_ns: Option<u64>,
    involuntary_switches: Option<u64>,
    instructions: Option<u64>,
    cycles: Option<u64>,
}

impl Counters {
    /// Opens what this system permits: virtual machines often have no counters of instructions, and
    /// containers may not read them.
    pub fn open() -> Self {
        Self {
            instructions: Counter::open(Event::Instructions),
            cycles: Counter::open(Event::Cycles),
        }
    }

    /// Reads all counters.
    pub fn read(&mut self) -> Reading {
        let (cpu_ns, involuntary_switches) = system::usage().unzip();
        Reading {
            at: Instant::now(),
            cpu_ns,
            involuntary_switches,
            instructions: self.instructions.as_mut().and_then(Counter::read),
            cycles: self.cycles.as_mut().and_then(Counter::read),
        }
    }
}

impl Reading {
    /// What happened from this reading to the `later` one.
    pub fn until(&self, later: &Self) -> Witness {
        let counted = |now: Option<u64>, then: Option<u64>| now?.checked_sub(then?);
        Witness {
            wall_ns: (later.at - self.at).as_nanos() as u64,
            cpu_ns: counted(later.cpu_ns, self.cpu_ns),
            involuntary_switches: counted(later.involuntary_switches, self.involuntary_switches),
            instructions: counted(later.instructions, self.instructions),
            cycles: counted(later.cycles, self.cycles),
        }
    }
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
#[derive(Debug, Clone, Copy)]
enum Event {
    Instructions,
    Cycles,
    /// CPU time in nanoseconds, which every kernel counts: tests use it.
    #[cfg(test)]
    TaskClock,
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Counter(perf_event::Counter);

#[cfg(target_os = "linux")]
impl Counter {
    fn open(event: Event) -> Option<Self> {
        use perf_event::{Builder, ReadFormat, events::Hardware};
        let mut builder = match event {
            Event::Instructions => Builder::new(Hardware::INSTRUCTIONS),
            Event::Cycles => Builder::new(Hardware::CPU_CYCLES),
            #[cfg(test)]
            Event::TaskClock => Builder::new(perf_event::events::Software::TASK_CLOCK),
        };
        let mut counter = builder
            .read_format(ReadFormat::TOTAL_TIME_ENABLED | ReadFormat::TOTAL_TIME_RUNNING)
            .exclude_kernel(true)
            .inherit(true)
            .build()
            .ok()?;
        counter.enable().ok()?;
        Some(Self(counter))
    }

    /// `None` if the counter did not run all the time, because others shared it.
    fn read(&mut self) -> Option<u64> {
        let found = self.0.read_full().ok()?;
        (found.time_enabled() == found.time_running()).then_some(found.count())
    }
}

/// Other systems have counters that need rights or drivers of their own.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Counter;

#[cfg(not(target_os = "linux"))]
impl Counter {
    fn open(_: Event) -> Option<Self> {
        None
    }

    fn read(&mut self) -> Option<u64> {
        None
    }
}

#[cfg(unix)]
mod system {
    use nix::{
        sys::resource::{UsageWho, getrusage},
        time::{ClockId, clock_gettime},
    };

    /// CPU time in nanoseconds, and involuntary context switches.
    pub(super) fn usage() -> Option<(u64, u64)> {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
        let ns = (time.tv_sec() as u64).checked_mul(1_000_000_000)? + time.tv_nsec() as u64;
        Some((
            ns,
            u64::try_from(usage.involuntary_context_switches()).ok()?,
        ))
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn usage() -> Option<(u64, u64)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Works until the process has had this much more CPU time, however busy the machine is.
    fn spin(ns: u64) {
        let used = || system::usage().unwrap().0;
        let start = used();
        while used() - start < ns {
            std::hint::spin_loop();
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_time_of_every_thread_counts() {
        let mut counters = Counters::open();
        let before = counters.read();
        let alone = before.until(&counters.read());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| spin(20_000_000));
            }
        });
        let found = before.until(&counters.read());
        let cpu_ns = found.cpu_ns.unwrap();
        assert!(cpu_ns >= 20_000_000, "{found:?}");
        assert!(cpu_ns > alone.cpu_ns.unwrap(), "{found:?}");
        assert!(found.wall_ns > alone.wall_ns, "{found:?}");
        assert!(found.involuntary_switches.is_some(), "{found:?}");
    }

    /// The mechanism of the counters, with an event that needs no hardware.
    #[test]
    #[cfg(target_os = "linux")]
    fn threads_that_begin_later_are_counted() {
        let Some(mut counter) = Counter::open(Event::TaskClock) else {
            // The system permits no counters at all, and receipts say null.
            return;
        };
        let before = counter.read().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| spin(20_000_000));
        });
        let after = counter.read().unwrap();
        // What other tests' threads do meanwhile is in the time of the process, but not here.
        assert!(after > before, "{} ns", after - before);
    }
}
