//! Times workloads, interleaved, and summarises the samples.

use std::{
    ops::Range,
    thread,
    time::{Duration, Instant},
};

/// Samples of each workload.
const ROUNDS: usize = 9;

/// A pass over units that threads share.
pub struct Workload<'a> {
    /// Name in the table.
    pub name: &'static str,
    /// Units, such as rows.
    pub n_units: usize,
    /// Units are divided in multiples of this.
    pub granularity: usize,
    /// Bytes of weights that one pass reads.
    pub bytes: usize,
    /// Multiply-accumulates of one pass.
    pub macs: usize,
    /// Passes in a sample.
    pub repetitions: usize,
    /// Makes a number of passes over a range of units.
    pub run: Box<dyn Fn(Range<usize>, usize) + Sync + 'a>,
}

impl Workload<'_> {
    /// Time of one pass with `n_threads` threads, each with a fixed part.
    pub fn time(&self, n_threads: usize) -> Duration {
        let part = self.n_units.div_ceil(n_threads);
        let part = part.next_multiple_of(self.granularity);
        let start = Instant::now();
        thread::scope(|scope| {
            for first in (0..self.n_units).step_by(part) {
                let units = first..(first + part).min(self.n_units);
                scope.spawn(move || (self.run)(units, self.repetitions));
            }
        });
        start.elapsed() / self.repetitions as u32
    }
}

/// Summary of the samples of one workload.
pub struct Summary {
    /// Median, in nanoseconds.
    pub median_ns: f64,
    /// Median absolute deviation from it, in nanoseconds.
    deviation_ns: f64,
}

impl Summary {
    fn of(samples: &[Duration]) -> Self {
        let ns: Vec<f64> = samples.iter().map(|s| s.as_nanos() as f64).collect();
        let median_ns = median(&ns);
        let deviations: Vec<f64> = ns.iter().map(|x| (x - median_ns).abs()).collect();
        Self {
            median_ns,
            deviation_ns: median(&deviations),
        }
    }

    /// The deviation as a percentage of the median.
    pub fn deviation_percent(&self) -> f64 {
        100.0 * self.deviation_ns / self.median_ns
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Samples `n` workloads, interleaved, after one warm-up round.
pub fn interleave(n: usize, mut time: impl FnMut(usize) -> Duration) -> Vec<Summary> {
    let mut samples = vec![Vec::new(); n];
    for round in 0..=ROUNDS {
        for (i, samples) in samples.iter_mut().enumerate() {
            let sample = time(i);
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    samples.iter().map(|samples| Summary::of(samples)).collect()
}
