//! The reference judges what other engines chose: one replay for all runs of the same tokens.

use host::{
    failure::RunFailure,
    input::tokenizer_of,
    judge::Tolerance,
    machine::default_threads,
    receipt::Receipt,
    run::{RunSettings, TimedModel, external::Judged},
    sandbox::Sandbox,
};

use super::measure::OtherRun;
use crate::{
    args::BenchmarkArgs,
    commands::benchmark::no_number::NoNumber,
    exit::{Exit, Failure},
};

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
    settings: &RunSettings,
    model: &TimedModel,
    tolerance: Tolerance,
    sandbox: &Sandbox,
) -> Result<Judged, RunFailure> {
    let claim = run.measurement.repetitions[0].claim();
    let (file, guests) = (model.file(), default_threads());
    Judged::of(claim, settings, file, tolerance, sandbox, guests)
}

/// The receipt of a run, if it is consistent with the reference.
///
/// # Errors
/// The run is rejected: its engine chose a wrong token, or not the same ones each time. Or it cannot be
/// judged: the reference ends the text where the engine may not.
pub fn receipt(
    run: &OtherRun,
    judged: &Judged,
    settings: &RunSettings,
    model: &TimedModel,
) -> Result<Receipt, NoNumber> {
    let receipt = judged.receipt(&run.measurement, settings, model.file());
    let wrong = judged.judgement.first_wrong;
    match (receipt, wrong) {
        (Err(RunFailure::Rejected { .. }), Some(wrong))
            if run.bans_end_of_text && is_end(model, wrong.chosen) =>
        {
            let (engine, index) = (&run.measurement.engine.name, wrong.index);
            let what = format!(
                "{engine} never ends a text, and at token {index} the reference does: nothing can be said of \
                 what follows"
            );
            let failure = Failure::new(Exit::Unverifiable, what);
            Err(failure.with_hint("choose another prompt, with --seed").into())
        }
        (receipt, _) => Ok(receipt?),
    }
}

/// Whether a token ends a text, as the model's file says.
fn is_end(model: &TimedModel, token: u32) -> bool {
    tokenizer_of(&model.file().model).is_ok_and(|tokenizer| tokenizer.is_end(token))
}
