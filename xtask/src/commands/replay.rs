//! `replay`: what the reference says of tokens that another engine chose.

use std::{fmt::Write, path::Path};

use host::{
    examine::judge,
    external::{ExternalRun, Judgement, MAX_EXTERNAL_BYTES, TokenVerdict},
    input::HashedModel,
    machine::{MemoryNeed, default_threads},
    plain::plain,
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

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. A judgement is no failure.
pub fn run(args: &ReplayArgs, watch: &Watch) -> Result<Exit, Failure> {
    let (path, model) = (args.files.transcript(), args.files.model());
    let bytes = read_text(path, Kind::Other, MAX_EXTERNAL_BYTES)?;
    let bad_input = |why: String| Failure::new(Exit::BadInput, why).at(path);
    let transcript = ExternalRun::read(&bytes).map_err(|e| {
        let failure = bad_input(e.to_string());
        match instead_of_a_transcript(&bytes) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    })?;
    let display = RunProgress::of(args.print, watch);
    let found = HashedModel::open(model, args.i2s_layout.into(), watch)?;
    let task = transcript.task();
    let shape = found.model.shape();
    let ids = transcript.prompt_ids.iter().chain(&transcript.tokens);
    if let Some(id) = ids.copied().find(|&id| u64::from(id) >= shape.n_vocab) {
        let why = format!(
            "found id {id}, the vocabulary of the model has {}",
            shape.n_vocab
        );
        return Err(bad_input(why));
    }
    shape
        .check_run(&task.prompt, task.n_generate)
        .map_err(|e| bad_input(e.to_string()))?;
    MemoryNeed::to_replay(&found.model, task.n_positions()).check()?;
    let tolerance = args.logit_tolerance.or(transcript.logit_tolerance);
    watch.begin(Phase::Other("compile the reference"), 0);
    let sandbox = Sandbox::new(watch)?;
    let judgement = judge(
        &transcript,
        tolerance.unwrap_or(0.0),
        &sandbox,
        &found.model,
        args.jobs.unwrap_or_else(default_threads),
    )?;
    drop(display);
    show(args.print.output, &judgement, || {
        text(&judgement, &transcript, path)
    })?;
    Ok(Exit::of(judgement.conclusion))
}

fn text(judgement: &Judgement, transcript: &ExternalRun, path: &Path) -> String {
    let n = judgement.tokens.len();
    let n_chosen = judgement
        .tokens
        .iter()
        .filter(|t| t.found == t.chosen)
        .count();
    let mut text = format!(
        "{}: {} ({n_chosen} of {n} tokens are the reference's choice)\n",
        judgement.conclusion.as_str(),
        path.display(),
    );
    let mut line = |what: &str, t: &TokenVerdict| {
        let _ = writeln!(
            text,
            "  {what} {}: found {}, the reference chooses {} (logit {:.6} higher)",
            t.index, t.found, t.chosen, t.deficit
        );
    };
    if let Some(wrong) = &judgement.first_wrong {
        line("FAIL first wrong token", wrong);
    }
    if let Some(tie) = &judgement.first_near_tie {
        let _ = writeln!(
            text,
            "  ???? {} near ties: logits within {} of each other, first at token {}",
            judgement.near_ties, judgement.logit_tolerance, tie.index
        );
    }
    let leads = judgement.tokens.iter().filter_map(|t| t.lead);
    if let Some(least) = leads.min_by(f64::total_cmp) {
        let _ = writeln!(
            text,
            "margin: the reference's closest choice is ahead by {least:.6}"
        );
    }
    if let Some(speed) = transcript.tokens_per_sec {
        let source = match &transcript.engine {
            Some(engine) => format!("claimed by {}", plain(engine, usize::MAX)),
            None => "as the file claims".into(),
        };
        let _ = writeln!(text, "speed: {speed} tokens/s, {source}");
    }
    text
}
