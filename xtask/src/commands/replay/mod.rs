//! `replay`: what the reference says of tokens that another engine chose.

mod model;
mod report;

use std::path::Path;

use host::{
    external::{ExternalRun, MAX_EXTERNAL_BYTES},
    input::{HashedModel, ends_of},
    judge::{Claim, Consistency, Tolerance},
    machine::{MemoryNeed, default_threads},
    replay::judge,
    sandbox::Sandbox,
    watch::{Phase, Watch},
};

use crate::{
    args::ReplayArgs,
    exit::{Exit, Failure},
    hints::{Kind, instead_of_a_transcript},
    input::read_text,
    output::show,
    progress::RunProgress,
};
use model::check_engine_model;
use report::Report;

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. A judgement is no failure.
pub fn run(args: &ReplayArgs, watch: &Watch) -> Result<Exit, Failure> {
    let (path, model) = (args.files.transcript(), args.files.model());
    let transcript = read(path)?;
    let display = RunProgress::of(args.print, watch);
    let found = HashedModel::open(model, args.i2s_layout.into(), watch)?;
    let ends = ends_of(&found.model);
    let claim = transcript.claim(&ends);
    check(&transcript, claim, &found).map_err(|failure| failure.at(path))?;
    check_engine_model(args, &transcript, &found, watch)?;
    watch.begin(Phase::Other("compile the reference"), 0);
    let sandbox = Sandbox::new(watch)?;
    let of_model = || Tolerance::of_precision(args.precision.into());
    let tolerance = args.tolerance.map_or_else(of_model, Tolerance::of_spreads);
    let (_, judgement) = judge(
        &transcript.task(),
        claim,
        tolerance,
        &sandbox,
        &found.model,
        args.jobs.unwrap_or_else(default_threads),
    )?;
    drop(display);
    let report = Report::of(&judgement, &transcript, &found);
    show(args.print.output, &report, || report.text(path))?;
    Ok(match judgement.conclusion {
        Consistency::Consistent => Exit::Done,
        Consistency::Rejected => Exit::Rejected,
        Consistency::Unverifiable => Exit::Unverifiable,
    })
}

fn read(path: &Path) -> Result<ExternalRun, Failure> {
    let bytes = read_text(path, Kind::Other, MAX_EXTERNAL_BYTES)?;
    ExternalRun::read(&bytes).map_err(|e| {
        let failure = Failure::new(Exit::BadInput, e).at(path);
        match instead_of_a_transcript(&bytes) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    })
}

/// Checks that the transcript can be of this model, and that this machine can replay it.
fn check(transcript: &ExternalRun, claim: Claim, found: &HashedModel) -> Result<(), Failure> {
    let bad_input = |why: String| Failure::new(Exit::BadInput, why);
    let shape = found.model.shape();
    let mut ids = transcript.prompt_ids.iter().copied();
    let beyond = |id: &u32| u64::from(*id) >= shape.n_vocab;
    if let Some(id) = ids.find(beyond).or(claim.ids().find(beyond)) {
        let n_vocab = shape.n_vocab;
        return Err(bad_input(format!(
            "found id {id}, the vocabulary of the model has {n_vocab}"
        )));
    }
    claim
        .check()
        .map_err(|e| bad_input(format!("top_logits: {e}")))?;
    let task = transcript.task();
    shape
        .check_run(&task.prompt, task.n_generate)
        .map_err(|e| bad_input(e.to_string()))?;
    MemoryNeed::to_replay(&found.model, task.n_positions()).check()?;
    Ok(())
}
