//! The reference judges what other engines chose: one replay for all runs of the same tokens.

use host::{
    failure::RunFailure,
    judge::Tolerance,
    machine::default_threads,
    receipt::Receipt,
    run::{TimedModel, external::Judged},
    sandbox::Sandbox,
};

use super::measure::OtherRun;
use crate::args::BenchmarkArgs;

/// The tolerance that `args` ask for.
pub fn tolerance(args: &BenchmarkArgs) -> Tolerance {
    args.others
        .tolerance
        .map_or_else(Tolerance::default, Tolerance::of_spreads)
}

/// Replays the tokens of a run.
///
/// # Errors
/// The reference failed.
pub fn judge(
    run: &OtherRun,
    model: &TimedModel,
    tolerance: Tolerance,
    sandbox: &Sandbox,
) -> Result<Judged, RunFailure> {
    let claim = run.measurement.repetitions[0].claim();
    let (file, guests) = (model.file(), default_threads());
    Judged::of(claim, &run.settings, file, tolerance, sandbox, guests)
}

/// The receipt of a run, if it is consistent with the reference.
///
/// # Errors
/// The run is rejected: its engine chose a wrong token, or not the same ones each time.
pub fn receipt(run: &OtherRun, judged: &Judged, model: &TimedModel) -> Result<Receipt, RunFailure> {
    judged.receipt(&run.measurement, &run.settings, model.file())
}
