//! `bandwidth`: what this machine's memory delivers, the bound of every decode step.

use std::time::Duration;

use engine_native::{KernelChoice, ReadBuffer, Readers};
use host::{
    failure::RunFailure,
    machine::{MemoryError, available_memory, physical_cores},
    watch::{Phase, Watch},
};
use serde::Serialize;

use crate::{
    args::BandwidthArgs,
    commands::threads,
    exit::{Exit, Failure},
    markdown::{Align, table},
    output::show,
    progress::RunProgress,
};

/// Timed passes of each number of threads, after one that is not.
const PASSES: usize = 7;

#[derive(Serialize)]
struct Report {
    /// The kernels that were resolved; the read is theirs or that of an ISA that they build on.
    kernels: &'static str,
    bytes: usize,
    passes: usize,
    rows: Vec<Row>,
}

/// Decimal gigabytes a second.
#[derive(Serialize)]
struct Row {
    threads: usize,
    median_gb_per_s: f64,
    lowest_gb_per_s: f64,
    highest_gb_per_s: f64,
}

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code.
pub fn run(args: &BandwidthArgs, watch: &Watch) -> Result<Exit, Failure> {
    let counts = thread_counts(args)?;
    if args.bytes as u64 > available_memory() {
        return Err(Failure::from(RunFailure::Memory(MemoryError {
            what: "memory",
            needed: args.bytes as u64,
            available: available_memory(),
        })));
    }
    let kernels = KernelChoice::resolve(args.kernel.into()).map_err(RunFailure::from)?;
    let mut readers = Vec::new();
    for &n in &counts {
        readers.push(Readers::new(kernels.clone(), n)?);
    }
    let buffer = ReadBuffer::new(args.bytes);
    let mut times = vec![Vec::new(); counts.len()];
    let display = RunProgress::of(args.print, watch);
    watch.begin(Phase::Bandwidth, 0);
    // In turns: a machine that slows down meanwhile slows all of them down.
    for pass in 0..=PASSES {
        for (readers, times) in readers.iter_mut().zip(&mut times) {
            let time = readers.read(&buffer)?;
            if pass > 0 {
                times.push(time);
            }
            if watch.is_stopped() {
                return Err(Failure::interrupted());
            }
        }
    }
    drop(display);
    let rows = counts.iter().zip(times);
    let report = Report {
        kernels: kernels.isa().option_name(),
        bytes: args.bytes,
        passes: PASSES,
        rows: rows
            .map(|(&threads, times)| Row::of(threads, times, args.bytes))
            .collect(),
    };
    show(args.print.output, &report, || text(&report))?;
    Ok(Exit::Done)
}

/// Those asked for, or 1, 2, 4, … and the physical cores.
fn thread_counts(args: &BandwidthArgs) -> Result<Vec<usize>, Failure> {
    let Some(asked) = &args.threads else {
        let cores = physical_cores();
        let doubling = std::iter::successors(Some(1), |n| Some(n * 2));
        let mut counts: Vec<usize> = doubling.take_while(|&n| n < cores).collect();
        counts.push(cores);
        return Ok(counts);
    };
    asked.iter().map(|&n| threads::asked(Some(n))).collect()
}

impl Row {
    fn of(threads: usize, mut times: Vec<Duration>, bytes: usize) -> Self {
        times.sort();
        let gb_per_s = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e9;
        Self {
            threads,
            median_gb_per_s: gb_per_s(times[times.len() / 2]),
            lowest_gb_per_s: gb_per_s(times[times.len() - 1]),
            highest_gb_per_s: gb_per_s(times[0]),
        }
    }
}

fn text(report: &Report) -> String {
    use Align::Right;
    let columns = [
        ("bytes", Right),
        ("threads", Right),
        ("read GB/s", Right),
        ("lowest", Right),
        ("highest", Right),
    ];
    let row = |row: &Row| {
        let rate = |gb_per_s: f64| format!("{gb_per_s:.2}");
        [
            report.bytes.to_string(),
            row.threads.to_string(),
            rate(row.median_gb_per_s),
            rate(row.lowest_gb_per_s),
            rate(row.highest_gb_per_s),
        ]
    };
    let rows: Vec<_> = report.rows.iter().map(row).collect();
    let passes = report.passes;
    table(columns, &rows) + &format!("\nmedian, lowest and highest of {passes} passes\n")
}
