//! `compare`: tokens, then work, then speed – of receipts, or of two builds that run in turns.

mod builds;
mod callgrind;
mod child;
mod comparison;
mod folder;
mod receipts;
mod report;

use host::watch::Watch;

use self::comparison::Comparison;
use crate::{
    args::{CompareArgs, CompareFormat},
    exit::{Exit, Failure, say},
    output::{print, print_json},
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. Other tokens, or less speed, are no failure of the command.
pub fn run(args: &CompareArgs, watch: &Watch) -> Result<Exit, Failure> {
    let found = match (&args.old, &args.new) {
        (Some(old), Some(new)) => receipts::compare(args, old, new)?,
        _ => vec![builds::compare(args, watch)?],
    };
    match args.print.format {
        CompareFormat::Json => print_json(&report::json(&found))?,
        CompareFormat::Md => print(&report::markdown(&found))?,
        CompareFormat::Human if args.print.quiet => {}
        CompareFormat::Human => print(&report::text(&found))?,
    }
    Ok(conclude(args, &found))
}

/// The worst that was found, and a line for what the exit code alone would not explain.
fn conclude(args: &CompareArgs, found: &[Comparison]) -> Exit {
    if found.iter().any(Comparison::is_broken) {
        return Exit::Rejected;
    }
    let is_open = |one: &&Comparison| one.differences.iter().all(|d| d.interval.is_none());
    match found.iter().find(is_open) {
        Some(open) if args.max_slowdown.is_some() => {
            let [old, new] = open.samples();
            say(format_args!(
                "error: --max-slowdown: found {old} and {new} samples, which show nothing with this \
                 confidence; give receipts of more --repetitions, or run both builds in turns with --bin"
            ));
            Exit::Unverifiable
        }
        _ => Exit::Done,
    }
}
