//! What the system counts for a run's threads: a second witness beside the clock.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use engine_native::Engine;

use crate::receipt::{RepetitionEvidence, Witness};

/// Counters of this thread, and of the threads that it starts after they were opened.
#[derive(Debug)]
pub struct Counters {
    instructions: Option<Counter>,
    cycles: Option<Counter>,
    cache_misses: Option<Counter>,
}

/// What the counters showed at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    at: Instant,
    usage: Usage,
    instructions: Option<u64>,
    cycles: Option<u64>,
    cache_misses: Option<u64>,
}

/// What the system counts for a thread.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    /// CPU time in nanoseconds.
    cpu_ns: Option<u64>,
    involuntary_switches: Option<u64>,
    voluntary_switches: Option<u64>,
    minor_faults: Option<u64>,
    major_faults: Option<u64>,
}

impl Usage {
    /// All threads together; what one of them does not know, nobody knows.
    fn sum(all: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> Option<u64>| all.iter().map(of).sum();
        Self {
            cpu_ns: sum(|usage| usage.cpu_ns),
            involuntary_switches: sum(|usage| usage.involuntary_switches),
            voluntary_switches: sum(|usage| usage.voluntary_switches),
            minor_faults: sum(|usage| usage.minor_faults),
            major_faults: sum(|usage| usage.major_faults),
        }
    }
}

impl Counters {
    /// Opens what this system permits: virtual machines often have no counters of instructions, and
    /// containers may not read them.
    pub fn open() -> Self {
        Self {
            instructions: Counter::open(Event::Instructions),
            cycles: Counter::open(Event::Cycles),
            cache_misses: Counter::open(Event::CacheMisses),
        }
    }

    /// Reads all counters, CPU time and switches on each thread of `engine`.
    pub fn read(&mut self, engine: &Engine) -> Reading {
        let usages: Mutex<Vec<Usage>> = Mutex::default();
        engine.on_each_thread(&|_| {
            let usage = system::of_this_thread();
            usages
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(usage);
        });
        let usages = usages.into_inner().unwrap_or_else(PoisonError::into_inner);
        Reading {
            at: Instant::now(),
            usage: Usage::sum(&usages),
            instructions: self.instructions.as_mut().and_then(Counter::read),
            cycles: self.cycles.as_mut().and_then(Counter::read),
            cache_misses: self.cache_misses.as_mut().and_then(Counter::read),
        }
    }
}

impl Reading {
    /// What happened from this reading to the `later` one.
    pub fn until(&self, later: &Self) -> Witness {
        let (now, then) = (later.usage, self.usage);
        Witness {
            wall_ns: (later.at - self.at).as_nanos() as u64,
            cpu_ns: counted(now.cpu_ns, then.cpu_ns),
            involuntary_switches: counted(now.involuntary_switches, then.involuntary_switches),
            instructions: counted(later.instructions, self.instructions),
            cycles: counted(later.cycles, self.cycles),
        }
    }

    /// What else happened from this reading to the `later` one.
    pub fn evidence_until(&self, later: &Self) -> RepetitionEvidence {
        let (now, then) = (later.usage, self.usage);
        RepetitionEvidence {
            voluntary_switches: counted(now.voluntary_switches, then.voluntary_switches),
            minor_faults: counted(now.minor_faults, then.minor_faults),
            major_faults: counted(now.major_faults, then.major_faults),
            cache_misses: counted(later.cache_misses, self.cache_misses),
        }
    }
}

fn counted(now: Option<u64>, then: Option<u64>) -> Option<u64> {
    now?.checked_sub(then?)
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
#[derive(Debug, Clone, Copy)]
enum Event {
    Instructions,
    Cycles,
    CacheMisses,
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
            Event::CacheMisses => Builder::new(Hardware::CACHE_MISSES),
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
    use nix::time::{ClockId, clock_gettime};

    use super::Usage;

    pub(super) fn of_this_thread() -> Usage {
        Usage {
            cpu_ns: cpu_ns(),
            ..counts()
        }
    }

    fn cpu_ns() -> Option<u64> {
        let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
        let seconds = u64::try_from(time.tv_sec()).ok()?;
        seconds
            .checked_mul(1_000_000_000)?
            .checked_add(u64::try_from(time.tv_nsec()).ok()?)
    }

    #[cfg(target_os = "linux")]
    fn counts() -> Usage {
        use nix::sys::resource::{UsageWho, getrusage};

        let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else {
            return Usage::default();
        };
        let known = |count: i64| u64::try_from(count).ok();
        Usage {
            cpu_ns: None,
            involuntary_switches: known(usage.involuntary_context_switches()),
            voluntary_switches: known(usage.voluntary_context_switches()),
            minor_faults: known(usage.minor_page_faults()),
            major_faults: known(usage.major_page_faults()),
        }
    }

    /// Not every system counts them for a thread.
    #[cfg(not(target_os = "linux"))]
    fn counts() -> Usage {
        Usage::default()
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn of_this_thread() -> super::Usage {
        super::Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc, thread};

    use engine_native::{EngineOptions, Model, ModelSource, Scalar};

    use super::*;

    const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.gguf");

    /// Works until this thread has had this much more CPU time, however busy the machine is.
    #[cfg(unix)]
    fn spin(ns: u64) {
        let used = || system::of_this_thread().cpu_ns.unwrap();
        let start = used();
        while used() - start < ns {
            std::hint::spin_loop();
        }
    }

    fn engine(n_threads: usize) -> Engine {
        let file = ModelSource::open(Path::new(TINY))
            .unwrap()
            .read(&())
            .unwrap();
        let model = Model::load(file, Default::default(), &()).unwrap();
        let options = EngineOptions::new(n_threads);
        Engine::with_options(Arc::new(model), Arc::new(Scalar), options, &()).unwrap()
    }

    #[test]
    #[cfg(unix)]
    fn every_thread_of_the_engine_counts_and_no_other() {
        for n_threads in [1, 3] {
            let (engine, mut counters) = (engine(n_threads), Counters::open());
            let before = counters.read(&engine);
            engine.on_each_thread(&|_| spin(10_000_000));
            let found = before.until(&counters.read(&engine));
            let least = n_threads as u64 * 10_000_000;
            assert!(found.cpu_ns.unwrap() >= least, "{found:?}");
            let before = counters.read(&engine);
            thread::scope(|scope| {
                scope.spawn(|| spin(1_000_000_000));
            });
            let found = before.until(&counters.read(&engine));
            assert!(found.wall_ns >= 1_000_000_000, "{found:?}");
            assert!(found.cpu_ns.unwrap() < 500_000_000, "{found:?}");
            assert_eq!(
                found.involuntary_switches.is_some(),
                cfg!(target_os = "linux"),
                "{found:?}"
            );
        }
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
        assert!(after - before >= 15_000_000, "{} ns", after - before);
    }
}
