//! A benchmark of several cells: each is measured, and one replay proves all that decode one task.
//!
//! One model at a time is in memory, and one engine: of a cell that was measured only its receipt is
//! kept. Nothing is written before all cells are proved.

mod cells;
mod course;
mod failed;
mod forecast;
mod order;
mod places;
mod proof;

use host::{
    noise::{Warning, warnings},
    watch::Watch,
};

use super::{settings::Planned, single::MakeRunner};
use crate::{
    args::{BenchmarkArgs, ParityMode},
    commands::rows::{Entry, emit, markdown},
    exit::{Exit, Failure, say},
    output::note,
};
use cells::Sweep;
use places::Places;
pub use places::make;

/// Runs all cells.
///
/// # Errors
/// The failure, with its exit code. No receipt is written then.
pub fn run(
    args: &BenchmarkArgs,
    planned: &[Planned],
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    if args.measurement.profile && planned.len() > 1 {
        let what = format!("found {} cells, allowed is one", planned.len());
        return Err(Failure::new(Exit::Usage, what).about("--profile"));
    }
    let sweep = Sweep::new(args, planned, watch, runner)?;
    let places = Places::prepare(args, planned)?;
    let seed = match args.measurement.order_seed {
        Some(seed) => seed,
        None => order::fresh_seed()?,
    };
    if !args.print.output.quiet {
        say(format_args!("{}", sweep.announcement(seed)));
    }
    let made = sweep.receipts(&order::shuffled(planned.len(), seed));
    let receipts = made.map_err(|failed| match failed.wrong_cell {
        Some(at) => places.retire(at, failed.failure),
        None => failed.failure,
    })?;
    let entry = |(at, planned): (usize, &Planned)| {
        let file = places.path(at).display().to_string();
        planned.entry(&receipts[at], file)
    };
    let entries: Vec<Entry> = planned.iter().enumerate().map(entry).collect();
    let entries: Vec<&Entry> = entries.iter().collect();
    let folder = places.folder().display().to_string();
    places.fill(&receipts)?.write(&entries)?;
    note(emit(&args.print.output, &entries, || {
        let proved = match args.parity {
            ParityMode::Full => "proved by a replay of each task, bit for bit",
            ParityMode::Off => "equal in all cells of a task, not replayed (--parity off)",
        };
        let warned = planned.iter().zip(&entries).map(warnings_of);
        format!(
            "{}\ntokens:   {proved}\norder:    random (--order-seed {seed})\nreceipts: {} in {folder}\n{}",
            markdown(&entries),
            entries.len(),
            warned.collect::<String>(),
        )
    }));
    Ok(())
}

/// What a cell's times say about the machine, a line each.
fn warnings_of((planned, entry): (&Planned, &&Entry)) -> String {
    let line = |warning: Warning| {
        let (name, found, advice) = (&planned.name, &warning.found, &warning.advice);
        format!("warning:  {name}: {found}: {advice}\n")
    };
    warnings(&entry.receipt).into_iter().map(line).collect()
}
