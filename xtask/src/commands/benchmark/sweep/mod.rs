//! A benchmark of several cells: each is measured, and one replay proves all that decode one task.
//!
//! One model at a time is in memory, and one engine: of a cell that was measured only its receipt is
//! kept. Nothing is written before all cells are proved. If one of ours is wrong, none has a number. An engine
//! that is not ours stands for itself: if it is rejected or fails, the rows of its cells say why, and all
//! others are as if it had not been named.

mod cells;
mod course;
mod failed;
mod forecast;
mod order;
mod others;
mod outcome;
mod parts;
mod places;
mod proof;
mod reference;

use host::{
    noise::{Warning, warnings},
    watch::Watch,
};

use super::{settings::Planned, single::MakeRunner};
use crate::{
    args::{BenchmarkArgs, ParityMode},
    commands::rows::{Line, emit, markdown},
    exit::{Exit, Failure, say},
    output::note,
};
use cells::Sweep;
use outcome::{Outcome, Shown};
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
) -> Result<Exit, Failure> {
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
    let made = sweep.outcomes(&order::shuffled(planned.len(), seed));
    let outcomes = made.map_err(|failed| match failed.wrong_cell {
        Some(at) => places.retire(at, failed.failure),
        None => failed.failure,
    })?;
    let exit = outcome::exit(&outcomes);
    let outcomes = places.retire_wrong(outcomes);
    let shown = |(at, planned): (usize, &Planned)| {
        let file = places.path(at).display().to_string();
        outcome::shown(planned, &outcomes[at], file)
    };
    let shown: Vec<Shown> = planned.iter().enumerate().map(shown).collect();
    let lines: Vec<Line> = shown.iter().map(Shown::line).collect();
    let folder = places.folder().display().to_string();
    let receipts: Vec<_> = outcomes.iter().map(Outcome::receipt).collect();
    places.fill(&receipts)?.write(&lines)?;
    say_failures(planned, &outcomes);
    note(emit(&args.print.output, &lines, || {
        let warned = planned.iter().zip(&outcomes).map(warnings_of);
        format!(
            "{}\n{}order:    random (--order-seed {seed})\nreceipts: {} in {folder}\n{}",
            markdown(&lines),
            proofs(args, planned),
            receipts.iter().flatten().count(),
            warned.collect::<String>(),
        )
    }));
    Ok(exit)
}

/// How it is known that the tokens are right, a line for our engine and one for all others.
fn proofs(args: &BenchmarkArgs, planned: &[Planned]) -> String {
    let is_other = |planned: &&Planned| planned.cell.engine.1.is_some();
    let n_others = planned.iter().filter(is_other).count();
    let mut text = String::new();
    if n_others < planned.len() {
        text += match args.parity {
            ParityMode::Full => "tokens:   proved by a replay of each task, bit for bit\n",
            ParityMode::Off => {
                "tokens:   equal in all cells of a task, not replayed (--parity off)\n"
            }
        };
    }
    if n_others > 0 {
        text += "others:   judged by a replay of their tokens; each receipt has the tolerance\n";
    }
    text
}

/// Says why cells have no number, a line each.
fn say_failures(planned: &[Planned], outcomes: &[Outcome]) {
    for (planned, outcome) in planned.iter().zip(outcomes) {
        if let Outcome::Without(no_number) = outcome {
            let (name, failure) = (&planned.name, &no_number.failure);
            say(format_args!("error: cell {name}: {failure}"));
        }
    }
}

/// What a cell's times say about the machine, and what has to be known about them, a line each.
fn warnings_of((planned, outcome): (&Planned, &Outcome)) -> String {
    let Outcome::Made(made) = outcome else {
        return String::new();
    };
    let name = &planned.name;
    let warned = warnings(&made.receipt).into_iter().map(|warning: Warning| {
        let (found, advice) = (&warning.found, &warning.advice);
        format!("warning:  {name}: {found}: {advice}\n")
    });
    let noted = made
        .notes
        .iter()
        .map(|note| format!("note:     {name}: {note}\n"));
    warned.chain(noted).collect()
}
