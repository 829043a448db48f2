//! A benchmark of one cell: a receipt at the place that `--output` names.

use std::path::Path;

use host::{
    attest::challenged_path,
    failure::RunFailure,
    files::{self, AtomicFile},
    receipt::{Receipt, to_json},
    run::{Loaded, Proved, Runner, TimedModel, bytes_per_decoded_token},
    sandbox::Sandbox,
    watch::{Phase, Watch},
};
use serde_json::json;

use super::{
    no_number::NoNumber,
    other::{self, Other},
    settings::{Planned, warn_scalar},
};
use crate::{
    args::{BenchmarkArgs, ParityMode, RowFormat},
    commands::{
        figures::Figures,
        ours::{is_our_receipt, is_our_statement},
        profile_table,
        rows::{Entry, Exports, Line, emit},
        sign::Bundle,
        table,
    },
    engines::Reported,
    exit::{Exit, Failure},
    output::{file, is_stdout, note, print, print_json, spares_model, stage},
    progress::RunProgress,
};

/// An engine to run instead of the native one.
pub type MakeRunner<'a> = &'a dyn Fn(&Loaded) -> Box<dyn Runner>;

/// Runs a single cell.
///
/// # Errors
/// The failure, with its exit code. No receipt is written then.
pub fn run(
    args: &BenchmarkArgs,
    planned: &Planned,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    match is_stdout(&args.output()) {
        true => print_receipt(args, planned, watch, runner),
        false => write_receipt(args, planned, watch, runner),
    }
}

/// A receipt on standard output, and nothing beside it.
fn print_receipt(
    args: &BenchmarkArgs,
    planned: &Planned,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    if args.sign.is_some() {
        let what = "found --output -: a bundle needs a file that it stands beside";
        return Err(Failure::new(Exit::Usage, what)
            .about("--sign")
            .with_hint("name a file for the receipt"));
    }
    let exports = Exports::prepare(&args.print.output.exports, &[&planned.cell.model.1], &[])?;
    let made = make(args, planned, watch, runner).map_err(|no_number| no_number.failure)?;
    let entry = made.entry(planned, "-".into());
    exports.write(&[Line::from(&entry)])?;
    print(&to_json(&entry.receipt))
}

fn write_receipt(
    args: &BenchmarkArgs,
    planned: &Planned,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<(), Failure> {
    let model = &planned.cell.model.1;
    let output = spares_model(file(&args.output())?, model)?;
    let bundle = Bundle::prepare(args, model, &output)?;
    let exports = Exports::prepare(&args.print.output.exports, &[model], &[&output])?;
    let made = match make(args, planned, watch, runner) {
        Ok(made) => made,
        Err(wrong) if wrong.is_wrong => {
            return Err(bundle.retire_with(retire(&output, wrong.failure)));
        }
        Err(failed) => return Err(failed.failure),
    };
    let json = to_json(&made.receipt);
    let staged = stage(&output, json.as_bytes())?;
    let signed = bundle.finish(&made.receipt, json.as_bytes(), staged)?;
    let signed = signed + &retire_statement(&challenged_path(output.path()));
    let entry = made.entry(planned, output.path().display().to_string());
    exports.write(&[Line::from(&entry)])?;
    note(show(args, &entry, &made.figures, output.path(), &signed));
    Ok(())
}

/// Shows a run, and `signed` behind its table.
pub fn show(
    args: &BenchmarkArgs,
    entry: &Entry,
    figures: &Figures,
    path: &Path,
    signed: &str,
) -> Result<(), Failure> {
    let receipt = &entry.receipt;
    match (args.print.output.format, &figures.profile) {
        (RowFormat::Json, None) => print(&to_json(receipt)),
        (RowFormat::Json, Some(profile)) => print_json(&json!({
            "receipt": receipt,
            "profile": profile,
        })),
        (_, profile) => emit(&args.print.output, &[entry.into()], || {
            let profile = profile.as_ref();
            let profile = profile.map_or_else(String::new, profile_table::profile);
            table::benchmark(entry, figures, path) + signed + &profile
        }),
    }
}

/// What a run came to: its receipt, and what stands in none.
struct Made {
    receipt: Receipt,
    figures: Figures,
    reported: Vec<Reported>,
}

impl Made {
    /// As rows show it.
    fn entry(&self, planned: &Planned, file: String) -> Entry {
        Entry {
            reported: self.reported.clone(),
            ..planned.entry(&self.receipt, file)
        }
    }
}

fn make(
    args: &BenchmarkArgs,
    planned: &Planned,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<Made, NoNumber> {
    let _display = RunProgress::of(args.print.progress(), watch);
    match &planned.cell.engine.1 {
        None => Ok(of_ours(args, planned, watch, runner)?),
        Some(other) => of_another(args, planned, other, watch),
    }
}

fn of_ours(
    args: &BenchmarkArgs,
    planned: &Planned,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<Made, RunFailure> {
    let loaded = Loaded::open(planned.settings.clone(), watch)?;
    loaded.check_receipt_size()?;
    warn_scalar(planned, &loaded);
    let (engine, task) = (loaded.engine().clone(), loaded.task().clone());
    let measured = match runner {
        None => loaded.measure()?,
        Some(make) => {
            let runner = make(&loaded);
            loaded.measure_with(runner)?
        }
    };
    let mut figures = Figures::measure(args, &engine, &task, watch)?;
    let proved: Proved = match args.parity {
        ParityMode::Full => {
            watch.begin(Phase::Other("compile the reference"), 0);
            measured.prove(&Sandbox::new(watch)?)?
        }
        ParityMode::Off => measured.without_proof(),
    };
    let receipt = proved.receipt();
    figures.bytes_per_token = bytes_per_decoded_token(&engine, &task, receipt.ledger());
    Ok(Made {
        receipt,
        figures,
        reported: Vec::new(),
    })
}

fn of_another(
    args: &BenchmarkArgs,
    planned: &Planned,
    other: &Other,
    watch: &Watch,
) -> Result<Made, NoNumber> {
    let settings = &planned.settings;
    let model = TimedModel::open(&settings.model, settings.i2s_layout, watch)?;
    let file = other::file(other, settings, &model, watch)?;
    let run = other::measure(planned, other, file, &model, watch)?;
    watch.begin(Phase::Other("compile the reference"), 0);
    let sandbox = Sandbox::new(watch).map_err(Failure::from)?;
    let judged = other::judge(&run, &model, other::tolerance(args), &sandbox)?;
    Ok(Made {
        receipt: other::receipt(&run, &judged, &model)?,
        figures: Figures {
            notes: run.notes,
            ..Figures::default()
        },
        reported: run.reported,
    })
}

/// A challenger's statement beside an older receipt is not about the new one. Returns what to show.
fn retire_statement(path: &Path) -> String {
    match is_our_statement(path).then(|| files::retire(path)) {
        None | Some(Ok(None)) => String::new(),
        Some(Ok(Some(stale))) => format!("statement: the old one is now {}\n", stale.display()),
        // Verifiers say of it that it is not about this receipt.
        Some(Err(e)) => format!("statement: the old one could not be renamed: {e}\n"),
    }
}

/// A wrong run leaves no receipt at the output's path, not even an old one.
pub fn retire(output: &AtomicFile, failure: Failure) -> Failure {
    let old = match is_our_receipt(output.target()) {
        true => output.retire(),
        false if output.target().exists() => {
            let kept = " (no receipt written; what is there is no receipt, and stays)";
            return failure.and(kept);
        }
        false => Ok(None),
    };
    let retired = match old {
        Ok(None) => "no receipt written".to_owned(),
        Ok(Some(stale)) => format!("no receipt written; the old one is now {}", stale.display()),
        Err(e) => format!("no receipt written; the old one could not be renamed: {e}"),
    };
    failure.and(format_args!(" ({retired})"))
}
